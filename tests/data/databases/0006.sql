BEGIN TRANSACTION;
CREATE TABLE access_key (
	id TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	secret_encrypted TEXT NOT NULL, 
	status TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	CONSTRAINT pk_access_key PRIMARY KEY (id), 
	CONSTRAINT fk_access_key_account_id FOREIGN KEY(account_id) REFERENCES account (id)
);
INSERT INTO "access_key" VALUES('LTAIdemo','1000','gAAAAABrBPClOgnnqsUpkAsjVrLuU4N2HL3tqYv8-1E6S0mSWfsDd1ZdzNMwkyI5edn4-Ynab-IE260Yg9x4-5A6eGG9LSCt1gSynkFNP7R0zlF-T9ZaX39lgBGNQ3YubPegYl4lgE_Z','Active',1795485861365);
CREATE TABLE account (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	CONSTRAINT pk_account PRIMARY KEY (id)
);
INSERT INTO "account" VALUES('1000','admin','Active',1795485861365);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE calendar (
	id INTEGER NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	all_projects INTEGER DEFAULT '0' NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_calendar PRIMARY KEY (id), 
	CONSTRAINT uq_calendar_name UNIQUE (name)
);
CREATE TABLE calendar_project (
	calendar_id BIGINT NOT NULL, 
	project_id BIGINT NOT NULL, 
	CONSTRAINT pk_calendar_project PRIMARY KEY (calendar_id, project_id)
);
CREATE TABLE calendar_version (
	calendar_id BIGINT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	definition TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	CONSTRAINT pk_calendar_version PRIMARY KEY (calendar_id, version)
);
CREATE TABLE dependency (
	env TEXT NOT NULL, 
	downstream_kind TEXT NOT NULL, 
	downstream_id BIGINT NOT NULL, 
	ordinal INTEGER DEFAULT '0' NOT NULL, 
	type TEXT NOT NULL, 
	upstream_output TEXT, 
	upstream_id BIGINT, 
	CONSTRAINT pk_dependency PRIMARY KEY (env, downstream_id, ordinal)
);
INSERT INTO "dependency" VALUES('Prod','Task',100002,0,'Normal','demo.extract',100001);
INSERT INTO "dependency" VALUES('Prod','Task',100004,0,'Normal','demo.extract',100001);
INSERT INTO "dependency" VALUES('Prod','Task',100005,0,'Normal','demo.clean',100002);
INSERT INTO "dependency" VALUES('Prod','Task',100005,1,'Normal','demo.count',100004);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	instance_id BIGINT NOT NULL, 
	run_number INTEGER DEFAULT '0' NOT NULL, 
	from_status TEXT NOT NULL, 
	to_status TEXT NOT NULL, 
	cause TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	user TEXT, 
	detail TEXT, 
	CONSTRAINT pk_event PRIMARY KEY (id)
);
INSERT INTO "event" VALUES(1,100009,1,'NotRun','Running','started',1795485861567,NULL,NULL);
INSERT INTO "event" VALUES(2,100016,1,'NotRun','Running','started',1795485861567,NULL,NULL);
INSERT INTO "event" VALUES(3,100011,0,'NotRun','WaitResource','time came',1795485861567,NULL,NULL);
INSERT INTO "event" VALUES(4,100018,0,'NotRun','WaitResource','time came',1795485861567,NULL,NULL);
INSERT INTO "event" VALUES(5,100011,1,'WaitResource','Running','started',1795485861567,NULL,NULL);
INSERT INTO "event" VALUES(6,100018,1,'WaitResource','Running','started',1795485861567,NULL,NULL);
INSERT INTO "event" VALUES(7,100011,1,'Running','Success','succeeded',1795485861790,NULL,NULL);
INSERT INTO "event" VALUES(8,100012,0,'NotRun','WaitResource','time came',1795485861790,NULL,NULL);
INSERT INTO "event" VALUES(9,100013,0,'NotRun','WaitResource','time came',1795485861790,NULL,NULL);
INSERT INTO "event" VALUES(10,100012,1,'WaitResource','Running','started',1795485861790,NULL,NULL);
INSERT INTO "event" VALUES(11,100013,1,'WaitResource','Running','started',1795485861790,NULL,NULL);
INSERT INTO "event" VALUES(12,100018,1,'Running','Success','succeeded',1795485861798,NULL,NULL);
INSERT INTO "event" VALUES(13,100019,0,'NotRun','WaitResource','time came',1795485861798,NULL,NULL);
INSERT INTO "event" VALUES(14,100020,0,'NotRun','WaitResource','time came',1795485861798,NULL,NULL);
INSERT INTO "event" VALUES(15,100019,1,'WaitResource','Running','started',1795485861798,NULL,NULL);
INSERT INTO "event" VALUES(16,100020,1,'WaitResource','Running','started',1795485861798,NULL,NULL);
INSERT INTO "event" VALUES(17,100012,1,'Running','Success','succeeded',1795485861804,NULL,NULL);
INSERT INTO "event" VALUES(18,100019,1,'Running','Success','succeeded',1795485861813,NULL,NULL);
INSERT INTO "event" VALUES(19,100020,1,'Running','Success','succeeded',1795485861828,NULL,NULL);
INSERT INTO "event" VALUES(20,100021,0,'NotRun','WaitResource','time came',1795485861828,NULL,NULL);
INSERT INTO "event" VALUES(21,100021,1,'WaitResource','Running','started',1795485861828,NULL,NULL);
INSERT INTO "event" VALUES(22,100013,1,'Running','Success','succeeded',1795485861831,NULL,NULL);
INSERT INTO "event" VALUES(23,100014,0,'NotRun','WaitResource','time came',1795485861831,NULL,NULL);
INSERT INTO "event" VALUES(24,100014,1,'WaitResource','Running','started',1795485861831,NULL,NULL);
INSERT INTO "event" VALUES(25,100021,1,'Running','Success','succeeded',1795485861836,NULL,NULL);
INSERT INTO "event" VALUES(26,100016,1,'Running','Success','succeeded',1795485861836,NULL,NULL);
INSERT INTO "event" VALUES(27,100014,1,'Running','Success','succeeded',1795485861838,NULL,NULL);
INSERT INTO "event" VALUES(28,100009,1,'Running','Success','succeeded',1795485861838,NULL,NULL);
CREATE TABLE id_allocator (
	one INTEGER NOT NULL, 
	next BIGINT NOT NULL, 
	CONSTRAINT pk_id_allocator PRIMARY KEY (one)
);
INSERT INTO "id_allocator" VALUES(1,100022);
CREATE TABLE instance_edge (
	downstream_id BIGINT NOT NULL, 
	upstream_id BIGINT NOT NULL, 
	type TEXT NOT NULL, 
	satisfied INTEGER DEFAULT '0' NOT NULL, 
	skips INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_instance_edge PRIMARY KEY (downstream_id, upstream_id, type)
)
 WITHOUT ROWID

;
INSERT INTO "instance_edge" VALUES(100012,100011,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100013,100011,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100014,100012,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100014,100013,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100019,100018,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100020,100018,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100021,100019,'Normal',1,0);
INSERT INTO "instance_edge" VALUES(100021,100020,'Normal',1,0);
CREATE TABLE instance_variable (
	instance_id BIGINT NOT NULL, 
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_instance_variable PRIMARY KEY (instance_id, name)
)
 WITHOUT ROWID

;
CREATE TABLE iteration (
	instance_id BIGINT NOT NULL, 
	run_number INTEGER DEFAULT '0' NOT NULL, 
	turn INTEGER DEFAULT '0' NOT NULL, 
	representative_id BIGINT NOT NULL, 
	current TEXT, 
	CONSTRAINT pk_iteration PRIMARY KEY (instance_id, run_number, turn)
)
 WITHOUT ROWID

;
CREATE TABLE leader (
	one INTEGER NOT NULL, 
	holder TEXT NOT NULL, 
	epoch INTEGER DEFAULT '0' NOT NULL, 
	renewed_time BIGINT NOT NULL, 
	CONSTRAINT pk_leader PRIMARY KEY (one)
);
CREATE TABLE nonce (
	access_key_id TEXT NOT NULL, 
	nonce TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	CONSTRAINT pk_nonce PRIMARY KEY (access_key_id, nonce)
);
INSERT INTO "nonce" VALUES('LTAIdemo','424b344c85b02df2f44fe1eb17e37c05',1795485861000);
INSERT INTO "nonce" VALUES('LTAIdemo','924dd8568e511528419720391e7217a7',1795485861000);
INSERT INTO "nonce" VALUES('LTAIdemo','a444479c13c3c3f9f7bccef5ea965489',1795485861000);
CREATE TABLE operation (
	id INTEGER NOT NULL, 
	uuid TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	env TEXT NOT NULL, 
	project_id BIGINT NOT NULL, 
	workflow_id BIGINT NOT NULL, 
	client_token TEXT, 
	request TEXT NOT NULL, 
	cursor INTEGER DEFAULT '0' NOT NULL, 
	message TEXT, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	finished_time BIGINT, 
	CONSTRAINT pk_operation PRIMARY KEY (id), 
	CONSTRAINT uq_operation_uuid UNIQUE (uuid), 
	CONSTRAINT uq_operation_client_token UNIQUE (client_token)
);
INSERT INTO "operation" VALUES(100006,'867d10b9-6441-44e6-8abc-29ed733ff38d','CreateWorkflowInstances','Created','Prod',10000,100000,NULL,'{"type":"SupplementData","project_id":10000,"project_name":"default","time_zone":"Asia/Shanghai","workflow_id":100000,"env":"Prod","workflow_version":2,"name":"demo run","owner":"1000","user":"1000","bizdates":["2026-11-20","2026-11-21"],"groups":[1,1],"members":[[100000,2,10000,"default","Asia/Shanghai"]],"run":[100001,100002,100004,100005],"dry":[],"cycles_from":"00:00:00","cycles_to":"23:59:59","trigger_time":null,"trigger_message":null,"auto_start":true,"immediately":false,"window":null,"task_parameters":{},"workflow_parameters":null,"resource_group_id":null,"data_sources":{},"priority":null,"weighted":false,"tags":[]}',1,NULL,1795485861534,'1000',1795485861532);
INSERT INTO "operation" VALUES(100007,'1a3e753e-b479-48a1-ad53-9a5e5966259f','Planning','Created','Prod',0,0,NULL,'{"time_zone":"Asia/Shanghai","bizdate":"2026-11-23","cutoff":1795447800000,"units":[],"made":[]}',0,NULL,1795485861532,NULL,1795485861532);
CREATE TABLE operation_log (
	id INTEGER NOT NULL, 
	action TEXT NOT NULL, 
	account_id TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	code TEXT, 
	objects TEXT, 
	comment TEXT, 
	CONSTRAINT pk_operation_log PRIMARY KEY (id)
);
INSERT INTO "operation_log" VALUES(1,'CreateWorkflow','1000','AA5A4E5D-5A57-41FC-ADB1-A074C6C99DA1',1795485861456,NULL,'{"ProjectId":10000,"Id":100000,"TaskIds":{"extract":100001,"clean":100002,"report":100003}}',NULL);
INSERT INTO "operation_log" VALUES(2,'UpdateWorkflow','1000','D87287CE-9137-428D-8A74-2BB22B4C61B1',1795485861509,NULL,'{"Id":100000}',NULL);
INSERT INTO "operation_log" VALUES(3,'CreateWorkflowInstances','1000','8DAF3CE2-DFDE-452B-9091-91D0244081AE',1795485861534,NULL,'{"ProjectId":10000,"WorkflowId":100000,"OperationId":"867d10b9-6441-44e6-8abc-29ed733ff38d"}',NULL);
CREATE TABLE parameter (
	id INTEGER NOT NULL, 
	project_id BIGINT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	type TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_parameter PRIMARY KEY (id), 
	CONSTRAINT uq_parameter_project_id_name UNIQUE (project_id, name)
);
CREATE TABLE parameter_version (
	parameter_id BIGINT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	owner TEXT NOT NULL, 
	description TEXT, 
	properties TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	CONSTRAINT pk_parameter_version PRIMARY KEY (parameter_id, version)
);
CREATE TABLE planned_date (
	time_zone TEXT NOT NULL, 
	run_date TEXT NOT NULL, 
	operation_id BIGINT, 
	time BIGINT NOT NULL, 
	CONSTRAINT pk_planned_date PRIMARY KEY (time_zone, run_date)
);
INSERT INTO "planned_date" VALUES('Asia/Shanghai','2026-11-24',100007,1795485861532);
CREATE TABLE project (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	display_name TEXT, 
	description TEXT, 
	owner TEXT NOT NULL, 
	status TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_project PRIMARY KEY (id), 
	CONSTRAINT uq_project_name UNIQUE (name)
);
INSERT INTO "project" VALUES(10000,'default','default',NULL,'1000','Available','Asia/Shanghai',1795485861365,'1000',1795485861365,'1000');
CREATE TABLE project_member (
	project_id BIGINT NOT NULL, 
	account_id TEXT NOT NULL, 
	role TEXT NOT NULL, 
	CONSTRAINT pk_project_member PRIMARY KEY (project_id, account_id)
);
INSERT INTO "project_member" VALUES(10000,'1000','Administrator');
CREATE TABLE resource_group (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	slots INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_resource_group PRIMARY KEY (id)
);
INSERT INTO "resource_group" VALUES('S_res_group_default','S_res_group_default',16);
CREATE TABLE run (
	instance_id BIGINT NOT NULL, 
	run_number INTEGER DEFAULT '0' NOT NULL, 
	runner TEXT NOT NULL, 
	boot TEXT NOT NULL, 
	log TEXT, 
	inputs TEXT, 
	wait_trigger_time BIGINT, 
	wait_resource_time BIGINT, 
	started_time BIGINT NOT NULL, 
	finished_time BIGINT, 
	status TEXT, 
	outcome TEXT, 
	exit_code INTEGER, 
	process_id BIGINT, 
	message TEXT, 
	CONSTRAINT pk_run PRIMARY KEY (instance_id, run_number)
)
 WITHOUT ROWID

;
INSERT INTO "run" VALUES(100011,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100011/1.log',NULL,1795485861567,1795485861567,1795485861567,1795485861790,'Success','exited',0,8422,'');
INSERT INTO "run" VALUES(100012,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100012/1.log',NULL,1795485861790,1795485861790,1795485861790,1795485861803,'Success','exited',0,8426,'');
INSERT INTO "run" VALUES(100013,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100013/1.log',NULL,1795485861790,1795485861790,1795485861790,1795485861829,'Success','exited',0,8427,'');
INSERT INTO "run" VALUES(100014,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100014/1.log',NULL,1795485861831,1795485861831,1795485861831,1795485861836,'Success','exited',0,8431,'');
INSERT INTO "run" VALUES(100018,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100018/1.log',NULL,1795485861567,1795485861567,1795485861567,1795485861791,'Success','exited',0,8423,'');
INSERT INTO "run" VALUES(100019,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100019/1.log',NULL,1795485861798,1795485861798,1795485861798,1795485861812,'Success','exited',0,8428,'');
INSERT INTO "run" VALUES(100020,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100020/1.log',NULL,1795485861798,1795485861798,1795485861798,1795485861827,'Success','exited',0,8429,'');
INSERT INTO "run" VALUES(100021,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100021/1.log',NULL,1795485861828,1795485861828,1795485861828,1795485861836,'Success','exited',0,8430,'');
CREATE TABLE runner (
	name TEXT NOT NULL, 
	boot TEXT NOT NULL, 
	endpoint TEXT NOT NULL, 
	lease_until BIGINT NOT NULL, 
	CONSTRAINT pk_runner PRIMARY KEY (name)
);
CREATE TABLE tag (
	object_kind TEXT NOT NULL, 
	object_id BIGINT NOT NULL, 
	env TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	CONSTRAINT pk_tag PRIMARY KEY (object_kind, object_id, env, "key")
);
CREATE TABLE task (
	id BIGINT NOT NULL, 
	env TEXT NOT NULL, 
	project_id BIGINT NOT NULL, 
	workflow_id BIGINT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	type TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	client_unique_code TEXT NOT NULL, 
	trigger_type TEXT NOT NULL, 
	recurrence TEXT NOT NULL, 
	resource_group_id TEXT NOT NULL, 
	priority INTEGER DEFAULT '1' NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_task PRIMARY KEY (id, env), 
	CONSTRAINT uq_task_env_workflow_id_name UNIQUE (env, workflow_id, name), 
	CONSTRAINT uq_task_env_client_unique_code UNIQUE (env, client_unique_code)
);
INSERT INTO "task" VALUES(100001,'Prod',10000,100000,2,'extract','DIDE_SHELL','1000','Task_80fd9375c15f4aed87231e8cd80979bb','Scheduler','Normal','S_res_group_default',1,1795485861456,'1000',1795485861509,'1000');
INSERT INTO "task" VALUES(100002,'Prod',10000,100000,2,'clean','DIDE_SHELL','1000','Task_ad4c4cefaffd43d894632fec9f1c59f0','Scheduler','Normal','S_res_group_default',1,1795485861456,'1000',1795485861509,'1000');
INSERT INTO "task" VALUES(100004,'Prod',10000,100000,1,'count','PYTHON','1000','Task_5a7e7b51d3d4447d9b3d3324cb16ee45','Scheduler','Normal','S_res_group_default',1,1795485861509,'1000',1795485861509,'1000');
INSERT INTO "task" VALUES(100005,'Prod',10000,100000,1,'publish','DIDE_SHELL','1000','Task_8fa27ed3c6954e5c818030cc28a6d86d','Scheduler','Normal','S_res_group_default',1,1795485861509,'1000',1795485861509,'1000');
CREATE TABLE task_instance (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	env TEXT NOT NULL, 
	project_id BIGINT NOT NULL, 
	task_id BIGINT NOT NULL, 
	task_version INTEGER DEFAULT '0' NOT NULL, 
	workflow_id BIGINT NOT NULL, 
	workflow_instance_id BIGINT NOT NULL, 
	representative_id BIGINT NOT NULL, 
	origin BIGINT NOT NULL, 
	planning_id BIGINT NOT NULL, 
	bizdate TEXT NOT NULL, 
	trigger_time BIGINT NOT NULL, 
	period_number INTEGER DEFAULT '1' NOT NULL, 
	status TEXT NOT NULL, 
	recurrence TEXT NOT NULL, 
	control TEXT, 
	unchosen INTEGER DEFAULT '0' NOT NULL, 
	"immediate" INTEGER DEFAULT '0' NOT NULL, 
	frozen INTEGER DEFAULT '0' NOT NULL, 
	pending_upstreams INTEGER DEFAULT '0' NOT NULL, 
	waits_entry INTEGER DEFAULT '0' NOT NULL, 
	isolated INTEGER DEFAULT '0' NOT NULL, 
	due_time BIGINT NOT NULL, 
	upstreams_done_time BIGINT, 
	wait_resource_time BIGINT, 
	started_time BIGINT, 
	finished_time BIGINT, 
	reason TEXT, 
	run_number INTEGER DEFAULT '0' NOT NULL, 
	retries_used INTEGER DEFAULT '0' NOT NULL, 
	lost_runs INTEGER DEFAULT '0' NOT NULL, 
	stop_requested BIGINT, 
	stop_user TEXT, 
	rerun_mode TEXT NOT NULL, 
	rerun_times INTEGER DEFAULT '0' NOT NULL, 
	rerun_interval INTEGER DEFAULT '0' NOT NULL, 
	timeout INTEGER DEFAULT '0' NOT NULL, 
	resource_group_id TEXT NOT NULL, 
	priority INTEGER DEFAULT '1' NOT NULL, 
	late INTEGER DEFAULT '0' NOT NULL, 
	weight INTEGER DEFAULT '0' NOT NULL, 
	max_parallel INTEGER DEFAULT '0' NOT NULL, 
	parameters TEXT NOT NULL, 
	data_source TEXT, 
	signalled_time BIGINT, 
	run_window TEXT, 
	held INTEGER DEFAULT '0' NOT NULL, 
	unfinished INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	operation_type TEXT, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_task_instance PRIMARY KEY (id), 
	CONSTRAINT uq_task_instance_env_task_id_trigger_time_origin UNIQUE (env, task_id, trigger_time, origin)
);
INSERT INTO "task_instance" VALUES(100009,'Workflow','Prod',10000,100000,2,100000,100008,100009,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',NULL,0,1,0,0,0,0,1795195800000,NULL,NULL,1795485861567,1795485861838,NULL,1,0,0,NULL,NULL,'AllAllowed',0,0,0,'',1,0,0,0,'{}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861838,'1000');
INSERT INTO "task_instance" VALUES(100011,'Task','Prod',10000,100001,2,100000,100008,100009,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795195800000,1795485861567,1795485861567,1795485861567,1795485861790,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861790,'1000');
INSERT INTO "task_instance" VALUES(100012,'Task','Prod',10000,100002,2,100000,100008,100009,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795195800000,1795485861790,1795485861790,1795485861790,1795485861803,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861804,'1000');
INSERT INTO "task_instance" VALUES(100013,'Task','Prod',10000,100004,1,100000,100008,100009,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795195800000,1795485861790,1795485861790,1795485861790,1795485861829,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861831,'1000');
INSERT INTO "task_instance" VALUES(100014,'Task','Prod',10000,100005,1,100000,100008,100009,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795195800000,1795485861831,1795485861831,1795485861831,1795485861836,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861838,'1000');
INSERT INTO "task_instance" VALUES(100016,'Workflow','Prod',10000,100000,2,100000,100015,100016,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',NULL,0,1,0,0,0,0,1795282200000,NULL,NULL,1795485861567,1795485861836,NULL,1,0,0,NULL,NULL,'AllAllowed',0,0,0,'',1,0,0,0,'{}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861836,'1000');
INSERT INTO "task_instance" VALUES(100018,'Task','Prod',10000,100001,2,100000,100015,100016,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795282200000,1795485861567,1795485861567,1795485861567,1795485861791,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861798,'1000');
INSERT INTO "task_instance" VALUES(100019,'Task','Prod',10000,100002,2,100000,100015,100016,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795282200000,1795485861798,1795485861798,1795485861798,1795485861812,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861813,'1000');
INSERT INTO "task_instance" VALUES(100020,'Task','Prod',10000,100004,1,100000,100015,100016,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795282200000,1795485861798,1795485861798,1795485861798,1795485861827,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861828,'1000');
INSERT INTO "task_instance" VALUES(100021,'Task','Prod',10000,100005,1,100000,100015,100016,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',NULL,0,0,0,0,0,0,1795282200000,1795485861828,1795485861828,1795485861828,1795485861836,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,NULL,NULL,0,0,0,NULL,1795485861532,'1000',1795485861836,'1000');
CREATE TABLE task_output (
	env TEXT NOT NULL, 
	output TEXT NOT NULL, 
	owner_kind TEXT NOT NULL, 
	owner_id BIGINT NOT NULL, 
	CONSTRAINT pk_task_output PRIMARY KEY (env, output)
);
INSERT INTO "task_output" VALUES('Prod','demo.extract','Task',100001);
INSERT INTO "task_output" VALUES('Prod','demo.clean','Task',100002);
INSERT INTO "task_output" VALUES('Prod','demo.count','Task',100004);
INSERT INTO "task_output" VALUES('Prod','demo.publish','Task',100005);
CREATE TABLE task_version (
	task_id BIGINT NOT NULL, 
	env TEXT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	type TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	script TEXT, 
	definition TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	CONSTRAINT pk_task_version PRIMARY KEY (task_id, env, version)
);
INSERT INTO "task_version" VALUES(100001,'Prod',1,'extract','DIDE_SHELL','1000','echo extracting','{"Name":"extract","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.extract"}],"Variables":[]},"Dependencies":[],"Tags":[],"SubTasks":[]}',1795485861456,'1000');
INSERT INTO "task_version" VALUES(100002,'Prod',1,'clean','DIDE_SHELL','1000','echo cleaning','{"Name":"clean","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.clean"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.extract"}],"Tags":[],"SubTasks":[]}',1795485861456,'1000');
INSERT INTO "task_version" VALUES(100003,'Prod',1,'report','DIDE_SHELL','1000','echo reporting','{"Name":"report","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.report"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.clean"}],"Tags":[],"SubTasks":[]}',1795485861456,'1000');
INSERT INTO "task_version" VALUES(100001,'Prod',2,'extract','DIDE_SHELL','1000','echo "extracting $1"; sleep 0.2','{"Name":"extract","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.extract"}],"Variables":[]},"Dependencies":[],"Tags":[],"SubTasks":[]}',1795485861509,'1000');
INSERT INTO "task_version" VALUES(100002,'Prod',2,'clean','DIDE_SHELL','1000','echo "cleaning ${day}"','{"Name":"clean","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.clean"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.extract"}],"Tags":[],"SubTasks":[]}',1795485861509,'1000');
INSERT INTO "task_version" VALUES(100004,'Prod',1,'count','PYTHON','1000','import sys
print(''counting'', sys.argv[1])','{"Name":"count","Type":"PYTHON","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.count"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.extract"}],"Tags":[],"SubTasks":[]}',1795485861509,'1000');
INSERT INTO "task_version" VALUES(100005,'Prod',1,'publish','DIDE_SHELL','1000','echo publishing','{"Name":"publish","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.publish"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.clean"},{"Type":"Normal","UpstreamOutput":"demo.count"}],"Tags":[],"SubTasks":[]}',1795485861509,'1000');
CREATE TABLE workflow (
	id BIGINT NOT NULL, 
	env TEXT NOT NULL, 
	project_id BIGINT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	description TEXT, 
	client_unique_code TEXT NOT NULL, 
	trigger_type TEXT NOT NULL, 
	cron TEXT, 
	start_time TEXT, 
	end_time TEXT, 
	time_zone TEXT, 
	recurrence TEXT NOT NULL, 
	parameters TEXT, 
	instance_mode TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	calendar_id BIGINT, 
	CONSTRAINT pk_workflow PRIMARY KEY (id, env), 
	CONSTRAINT uq_workflow_env_client_unique_code UNIQUE (env, client_unique_code)
);
INSERT INTO "workflow" VALUES(100000,'Prod',10000,2,'demo','1000',NULL,'Workflow_99cb2ac818834e378c16589bc7ee083d','Scheduler','00 30 01 * * ?',NULL,NULL,NULL,'Normal',NULL,'T+1',1795485861456,'1000',1795485861509,'1000',NULL);
CREATE TABLE workflow_instance (
	id INTEGER NOT NULL, 
	env TEXT NOT NULL, 
	project_id BIGINT NOT NULL, 
	workflow_id BIGINT NOT NULL, 
	workflow_version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	type TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	bizdate TEXT NOT NULL, 
	trigger_time BIGINT NOT NULL, 
	origin BIGINT NOT NULL, 
	unified_id BIGINT NOT NULL, 
	task_instance_id BIGINT NOT NULL, 
	parameters TEXT, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_workflow_instance PRIMARY KEY (id)
);
INSERT INTO "workflow_instance" VALUES(100008,'Prod',10000,100000,2,'demo run','SupplementData','1000','2026-11-20',1795195800000,100006,100010,100009,NULL,1795485861532,'1000',1795485861532,'1000');
INSERT INTO "workflow_instance" VALUES(100015,'Prod',10000,100000,2,'demo run','SupplementData','1000','2026-11-21',1795282200000,100006,100017,100016,NULL,1795485861532,'1000',1795485861532,'1000');
CREATE TABLE workflow_version (
	workflow_id BIGINT NOT NULL, 
	env TEXT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	tasks TEXT NOT NULL, 
	links TEXT, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	CONSTRAINT pk_workflow_version PRIMARY KEY (workflow_id, env, version)
);
INSERT INTO "workflow_version" VALUES(100000,'Prod',1,'demo','{"Name":"demo","Owner":"1000","Trigger":{"Type":"Scheduler","Cron":"00 30 01 * * ?"},"Dependencies":[],"Tags":[]}','[[100001,1],[100002,1],[100003,1]]','[[100002,"Normal",100001],[100003,"Normal",100002]]',1795485861456,'1000');
INSERT INTO "workflow_version" VALUES(100000,'Prod',2,'demo','{"Name":"demo","Owner":"1000","Trigger":{"Type":"Scheduler","Cron":"00 30 01 * * ?"},"Dependencies":[],"Tags":[]}','[[100001,2],[100002,2],[100004,1],[100005,1]]','[[100002,"Normal",100001],[100004,"Normal",100001],[100005,"Normal",100002],[100005,"Normal",100004]]',1795485861509,'1000');
CREATE INDEX ix_nonce_time ON nonce (time);
CREATE INDEX ix_workflow_project ON workflow (project_id, env, id);
CREATE INDEX ix_task_project ON task (project_id, env, id);
CREATE INDEX ix_task_output_owner ON task_output (owner_id, env);
CREATE INDEX ix_dependency_upstream_output ON dependency (env, upstream_output);
CREATE INDEX ix_dependency_upstream_id ON dependency (env, upstream_id);
CREATE INDEX ix_tag_key ON tag (object_kind, "key", value);
CREATE INDEX ix_operation_unfinished ON operation (id) WHERE finished_time IS NULL;
CREATE INDEX ix_workflow_instance_list ON workflow_instance (project_id, bizdate, id);
CREATE INDEX ix_workflow_instance_workflow ON workflow_instance (workflow_id, env, trigger_time);
CREATE INDEX ix_workflow_instance_origin ON workflow_instance (origin);
CREATE INDEX ix_task_instance_list ON task_instance (project_id, bizdate, id);
CREATE INDEX ix_task_instance_queued ON task_instance (resource_group_id, priority DESC, late, weight DESC, trigger_time, id) WHERE finished_time IS NULL AND status = 'WaitResource';
CREATE INDEX ix_task_instance_running ON task_instance (resource_group_id) WHERE finished_time IS NULL AND status = 'Running' AND kind = 'Task';
CREATE INDEX ix_task_instance_workflow_instance ON task_instance (workflow_instance_id);
CREATE INDEX ix_task_instance_ready ON task_instance (due_time) WHERE finished_time IS NULL AND status = 'NotRun' AND pending_upstreams = 0 AND frozen = 0;
CREATE INDEX ix_task_instance_limited ON task_instance (env, task_id) WHERE finished_time IS NULL AND status = 'WaitResource' AND max_parallel > 0;
CREATE INDEX ix_task_instance_origin ON task_instance (origin);
CREATE INDEX ix_instance_edge_upstream ON instance_edge (upstream_id);
CREATE INDEX ix_iteration_representative_id ON iteration (representative_id);
CREATE INDEX ix_event_instance ON event (instance_id);
CREATE INDEX ix_operation_log_time ON operation_log (time);
COMMIT;
