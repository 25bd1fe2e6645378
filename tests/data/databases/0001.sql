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
INSERT INTO "access_key" VALUES('LTAIdemo','1000','gAAAAABrBPCaK65kndo8kGcTFjcgGNcXXGJ4t6xwqoPNEoKubLoffNxgUDF3iTuGdmyZXrFKbwmxt_qOJLemlXLgKw8k2464Zlq1otFIkjkcwvJr_aDXmIlpkbIpMQoKedoe5dDUxJ-d','Active',1795485850314);
CREATE TABLE account (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	status TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	CONSTRAINT pk_account PRIMARY KEY (id)
);
INSERT INTO "account" VALUES('1000','admin','Active',1795485850314);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
INSERT INTO "alembic_version" VALUES('0001');
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
INSERT INTO "event" VALUES(1,100008,1,'NotRun','Running','started',1795485850526,NULL,NULL);
INSERT INTO "event" VALUES(2,100015,1,'NotRun','Running','started',1795485850526,NULL,NULL);
INSERT INTO "event" VALUES(3,100010,0,'NotRun','WaitResource','time came',1795485850526,NULL,NULL);
INSERT INTO "event" VALUES(4,100017,0,'NotRun','WaitResource','time came',1795485850526,NULL,NULL);
INSERT INTO "event" VALUES(5,100010,1,'WaitResource','Running','started',1795485850526,NULL,NULL);
INSERT INTO "event" VALUES(6,100017,1,'WaitResource','Running','started',1795485850526,NULL,NULL);
INSERT INTO "event" VALUES(7,100010,1,'Running','Success','succeeded',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(8,100017,1,'Running','Success','succeeded',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(9,100011,0,'NotRun','WaitResource','time came',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(10,100012,0,'NotRun','WaitResource','time came',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(11,100018,0,'NotRun','WaitResource','time came',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(12,100019,0,'NotRun','WaitResource','time came',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(13,100011,1,'WaitResource','Running','started',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(14,100012,1,'WaitResource','Running','started',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(15,100018,1,'WaitResource','Running','started',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(16,100019,1,'WaitResource','Running','started',1795485850744,NULL,NULL);
INSERT INTO "event" VALUES(17,100011,1,'Running','Success','succeeded',1795485850765,NULL,NULL);
INSERT INTO "event" VALUES(18,100018,1,'Running','Success','succeeded',1795485850765,NULL,NULL);
INSERT INTO "event" VALUES(19,100012,1,'Running','Success','succeeded',1795485850779,NULL,NULL);
INSERT INTO "event" VALUES(20,100013,0,'NotRun','WaitResource','time came',1795485850779,NULL,NULL);
INSERT INTO "event" VALUES(21,100013,1,'WaitResource','Running','started',1795485850779,NULL,NULL);
INSERT INTO "event" VALUES(22,100019,1,'Running','Success','succeeded',1795485850782,NULL,NULL);
INSERT INTO "event" VALUES(23,100020,0,'NotRun','WaitResource','time came',1795485850782,NULL,NULL);
INSERT INTO "event" VALUES(24,100020,1,'WaitResource','Running','started',1795485850782,NULL,NULL);
INSERT INTO "event" VALUES(25,100013,1,'Running','Success','succeeded',1795485850785,NULL,NULL);
INSERT INTO "event" VALUES(26,100008,1,'Running','Success','succeeded',1795485850785,NULL,NULL);
INSERT INTO "event" VALUES(27,100020,1,'Running','Success','succeeded',1795485850792,NULL,NULL);
INSERT INTO "event" VALUES(28,100015,1,'Running','Success','succeeded',1795485850792,NULL,NULL);
CREATE TABLE id_allocator (
	one INTEGER NOT NULL, 
	next BIGINT NOT NULL, 
	CONSTRAINT pk_id_allocator PRIMARY KEY (one)
);
INSERT INTO "id_allocator" VALUES(1,100021);
CREATE TABLE instance_edge (
	downstream_id BIGINT NOT NULL, 
	upstream_id BIGINT NOT NULL, 
	type TEXT NOT NULL, 
	satisfied INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_instance_edge PRIMARY KEY (downstream_id, upstream_id, type)
)
 WITHOUT ROWID

;
INSERT INTO "instance_edge" VALUES(100011,100010,'Normal',1);
INSERT INTO "instance_edge" VALUES(100012,100010,'Normal',1);
INSERT INTO "instance_edge" VALUES(100013,100011,'Normal',1);
INSERT INTO "instance_edge" VALUES(100013,100012,'Normal',1);
INSERT INTO "instance_edge" VALUES(100018,100017,'Normal',1);
INSERT INTO "instance_edge" VALUES(100019,100017,'Normal',1);
INSERT INTO "instance_edge" VALUES(100020,100018,'Normal',1);
INSERT INTO "instance_edge" VALUES(100020,100019,'Normal',1);
CREATE TABLE nonce (
	access_key_id TEXT NOT NULL, 
	nonce TEXT NOT NULL, 
	time BIGINT NOT NULL, 
	CONSTRAINT pk_nonce PRIMARY KEY (access_key_id, nonce)
);
INSERT INTO "nonce" VALUES('LTAIdemo','809d4110e1d094deb46e89a0ba5c3fac',1795485850000);
INSERT INTO "nonce" VALUES('LTAIdemo','f54d05bb2fea34c0ef9a46269249b5b5',1795485850000);
INSERT INTO "nonce" VALUES('LTAIdemo','5ee6e4a3d06b11973466237efea5b14f',1795485850000);
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
INSERT INTO "operation" VALUES(100006,'cf5d6fa2-05a5-44f8-8c11-6c17af8738d1','CreateWorkflowInstances','Created','Prod',10000,100000,NULL,'{"type":"SupplementData","project_id":10000,"project_name":"default","time_zone":"Asia/Shanghai","workflow_id":100000,"env":"Prod","workflow_version":2,"name":"demo run","owner":"1000","user":"1000","bizdates":["2026-11-20","2026-11-21"],"groups":[1,1],"cycles_from":"00:00:00","cycles_to":"23:59:59","mode":"ManualSelection","roots":[],"include":[],"exclude":[],"auto_start":true,"immediately":false,"task_parameters":{},"workflow_parameters":null,"resource_group_id":null,"priority":null,"weighted":false,"tags":[]}',1,NULL,1795485850498,'1000',1795485850504);
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
INSERT INTO "operation_log" VALUES(1,'CreateWorkflow','1000','BC19F3E8-10DB-4BBF-8763-FED71C6E11B2',1795485850421,NULL,'{"ProjectId":10000,"Id":100000,"TaskIds":{"extract":100001,"clean":100002,"report":100003}}',NULL);
INSERT INTO "operation_log" VALUES(2,'UpdateWorkflow','1000','C6879AD4-A3B3-4872-A256-970AD471BF3A',1795485850473,NULL,'{"Id":100000}',NULL);
INSERT INTO "operation_log" VALUES(3,'CreateWorkflowInstances','1000','02BFFD8F-55F9-447E-BF0A-1868F243E9CF',1795485850498,NULL,'{"ProjectId":10000,"WorkflowId":100000,"OperationId":"cf5d6fa2-05a5-44f8-8c11-6c17af8738d1"}',NULL);
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
INSERT INTO "project" VALUES(10000,'default','default',NULL,'1000','Available','Asia/Shanghai',1795485850314,'1000',1795485850314,'1000');
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
INSERT INTO "run" VALUES(100010,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100010/1.log',NULL,1795485850526,1795485850526,1795485850526,1795485850744,'Success','exited',0,8310,'');
INSERT INTO "run" VALUES(100011,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100011/1.log',NULL,1795485850744,1795485850744,1795485850744,1795485850764,'Success','exited',0,8314,'');
INSERT INTO "run" VALUES(100012,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100012/1.log',NULL,1795485850744,1795485850744,1795485850744,1795485850779,'Success','exited',0,8315,'');
INSERT INTO "run" VALUES(100013,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100013/1.log',NULL,1795485850779,1795485850779,1795485850779,1795485850784,'Success','exited',0,8318,'');
INSERT INTO "run" VALUES(100017,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100017/1.log',NULL,1795485850526,1795485850526,1795485850526,1795485850744,'Success','exited',0,8311,'');
INSERT INTO "run" VALUES(100018,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100018/1.log',NULL,1795485850744,1795485850744,1795485850744,1795485850764,'Success','exited',0,8316,'');
INSERT INTO "run" VALUES(100019,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100019/1.log',NULL,1795485850744,1795485850744,1795485850744,1795485850782,'Success','exited',0,8317,'');
INSERT INTO "run" VALUES(100020,1,'local','f4a45aca-42f7-49f8-a708-d54a73694739','logs/20261124/100020/1.log',NULL,1795485850782,1795485850782,1795485850782,1795485850787,'Success','exited',0,8319,'');
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
INSERT INTO "task" VALUES(100001,'Prod',10000,100000,2,'extract','DIDE_SHELL','1000','Task_c615ed75b96a4eb99d7e1e4bb4762459','Scheduler','Normal','S_res_group_default',1,1795485850421,'1000',1795485850473,'1000');
INSERT INTO "task" VALUES(100002,'Prod',10000,100000,2,'clean','DIDE_SHELL','1000','Task_cbabb3da61c24989a7243915399a8b96','Scheduler','Normal','S_res_group_default',1,1795485850421,'1000',1795485850473,'1000');
INSERT INTO "task" VALUES(100004,'Prod',10000,100000,1,'count','PYTHON','1000','Task_ba90920a5b61475b99d5fe9b1f71936c','Scheduler','Normal','S_res_group_default',1,1795485850473,'1000',1795485850473,'1000');
INSERT INTO "task" VALUES(100005,'Prod',10000,100000,1,'publish','DIDE_SHELL','1000','Task_7a44a9c25e024cd3b7f6b4828831d0cd','Scheduler','Normal','S_res_group_default',1,1795485850473,'1000',1795485850473,'1000');
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
	"immediate" INTEGER DEFAULT '0' NOT NULL, 
	frozen INTEGER DEFAULT '0' NOT NULL, 
	pending_upstreams INTEGER DEFAULT '0' NOT NULL, 
	waits_entry INTEGER DEFAULT '0' NOT NULL, 
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
	parameters TEXT NOT NULL, 
	data_source TEXT, 
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
INSERT INTO "task_instance" VALUES(100008,'Workflow','Prod',10000,100000,2,100000,100007,100008,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',1,0,0,0,1795195800000,NULL,NULL,1795485850526,1795485850785,NULL,1,0,0,NULL,NULL,'AllAllowed',0,0,0,'',1,0,0,'{}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850785,'1000');
INSERT INTO "task_instance" VALUES(100010,'Task','Prod',10000,100001,2,100000,100007,100008,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',0,0,0,0,1795195800000,1795485850526,1795485850526,1795485850526,1795485850744,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850744,'1000');
INSERT INTO "task_instance" VALUES(100011,'Task','Prod',10000,100002,2,100000,100007,100008,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',0,0,0,0,1795195800000,1795485850744,1795485850744,1795485850744,1795485850764,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850765,'1000');
INSERT INTO "task_instance" VALUES(100012,'Task','Prod',10000,100004,1,100000,100007,100008,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',0,0,0,0,1795195800000,1795485850744,1795485850744,1795485850744,1795485850779,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850779,'1000');
INSERT INTO "task_instance" VALUES(100013,'Task','Prod',10000,100005,1,100000,100007,100008,100006,100006,'2026-11-20',1795195800000,1,'Success','Normal',0,0,0,0,1795195800000,1795485850779,1795485850779,1795485850779,1795485850784,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261120"]],"system":{"bdp.system.bizdate":"20261120","bdp.system.cyctime":"20261121013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850785,'1000');
INSERT INTO "task_instance" VALUES(100015,'Workflow','Prod',10000,100000,2,100000,100014,100015,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',1,0,0,0,1795282200000,NULL,NULL,1795485850526,1795485850792,NULL,1,0,0,NULL,NULL,'AllAllowed',0,0,0,'',1,0,0,'{}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850792,'1000');
INSERT INTO "task_instance" VALUES(100017,'Task','Prod',10000,100001,2,100000,100014,100015,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',0,0,0,0,1795282200000,1795485850526,1795485850526,1795485850526,1795485850744,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850744,'1000');
INSERT INTO "task_instance" VALUES(100018,'Task','Prod',10000,100002,2,100000,100014,100015,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',0,0,0,0,1795282200000,1795485850744,1795485850744,1795485850744,1795485850764,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850765,'1000');
INSERT INTO "task_instance" VALUES(100019,'Task','Prod',10000,100004,1,100000,100014,100015,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',0,0,0,0,1795282200000,1795485850744,1795485850744,1795485850744,1795485850782,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850782,'1000');
INSERT INTO "task_instance" VALUES(100020,'Task','Prod',10000,100005,1,100000,100014,100015,100006,100006,'2026-11-21',1795282200000,1,'Success','Normal',0,0,0,0,1795282200000,1795485850782,1795485850782,1795485850782,1795485850787,NULL,1,0,0,NULL,NULL,'AllAllowed',0,180,259200,'S_res_group_default',1,1,0,'{"task":[["day","20261121"]],"system":{"bdp.system.bizdate":"20261121","bdp.system.cyctime":"20261122013000"}}',NULL,0,0,0,NULL,1795485850504,'1000',1795485850792,'1000');
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
INSERT INTO "task_version" VALUES(100001,'Prod',1,'extract','DIDE_SHELL','1000','echo extracting','{"Name":"extract","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.extract"}],"Variables":[]},"Dependencies":[],"Tags":[]}',1795485850421,'1000');
INSERT INTO "task_version" VALUES(100002,'Prod',1,'clean','DIDE_SHELL','1000','echo cleaning','{"Name":"clean","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.clean"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.extract"}],"Tags":[]}',1795485850421,'1000');
INSERT INTO "task_version" VALUES(100003,'Prod',1,'report','DIDE_SHELL','1000','echo reporting','{"Name":"report","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.report"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.clean"}],"Tags":[]}',1795485850421,'1000');
INSERT INTO "task_version" VALUES(100001,'Prod',2,'extract','DIDE_SHELL','1000','echo "extracting $1"; sleep 0.2','{"Name":"extract","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.extract"}],"Variables":[]},"Dependencies":[],"Tags":[]}',1795485850473,'1000');
INSERT INTO "task_version" VALUES(100002,'Prod',2,'clean','DIDE_SHELL','1000','echo "cleaning ${day}"','{"Name":"clean","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.clean"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.extract"}],"Tags":[]}',1795485850473,'1000');
INSERT INTO "task_version" VALUES(100004,'Prod',1,'count','PYTHON','1000','import sys
print(''counting'', sys.argv[1])','{"Name":"count","Type":"PYTHON","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.count"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.extract"}],"Tags":[]}',1795485850473,'1000');
INSERT INTO "task_version" VALUES(100005,'Prod',1,'publish','DIDE_SHELL','1000','echo publishing','{"Name":"publish","Type":"DIDE_SHELL","Owner":"1000","Timeout":259200,"RerunMode":"AllAllowed","RerunTimes":0,"RerunInterval":180,"Script":{"Parameters":"day=$bizdate"},"Trigger":{"Type":"Scheduler","Recurrence":"Normal"},"RuntimeResource":{"ResourceGroupId":"S_res_group_default"},"Outputs":{"TaskOutputs":[{"Output":"demo.publish"}],"Variables":[]},"Dependencies":[{"Type":"Normal","UpstreamOutput":"demo.clean"},{"Type":"Normal","UpstreamOutput":"demo.count"}],"Tags":[]}',1795485850473,'1000');
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
	recurrence TEXT NOT NULL, 
	parameters TEXT, 
	instance_mode TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	modify_time BIGINT NOT NULL, 
	modify_user TEXT, 
	CONSTRAINT pk_workflow PRIMARY KEY (id, env), 
	CONSTRAINT uq_workflow_env_client_unique_code UNIQUE (env, client_unique_code)
);
INSERT INTO "workflow" VALUES(100000,'Prod',10000,2,'demo','1000',NULL,'Workflow_e06130d9de2a4896bda8aa88564dcf10','Scheduler','00 30 01 * * ?',NULL,NULL,'Normal',NULL,'T+1',1795485850421,'1000',1795485850473,'1000');
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
INSERT INTO "workflow_instance" VALUES(100007,'Prod',10000,100000,2,'demo run','SupplementData','1000','2026-11-20',1795195800000,100006,100009,100008,NULL,1795485850504,'1000',1795485850504,'1000');
INSERT INTO "workflow_instance" VALUES(100014,'Prod',10000,100000,2,'demo run','SupplementData','1000','2026-11-21',1795282200000,100006,100016,100015,NULL,1795485850504,'1000',1795485850504,'1000');
CREATE TABLE workflow_version (
	workflow_id BIGINT NOT NULL, 
	env TEXT NOT NULL, 
	version INTEGER DEFAULT '0' NOT NULL, 
	name TEXT NOT NULL, 
	definition TEXT NOT NULL, 
	tasks TEXT NOT NULL, 
	create_time BIGINT NOT NULL, 
	create_user TEXT, 
	CONSTRAINT pk_workflow_version PRIMARY KEY (workflow_id, env, version)
);
INSERT INTO "workflow_version" VALUES(100000,'Prod',1,'demo','{"Name":"demo","Owner":"1000","Trigger":{"Type":"Scheduler","Cron":"00 30 01 * * ?"},"Dependencies":[],"Tags":[]}','[[100001,1],[100002,1],[100003,1]]',1795485850421,'1000');
INSERT INTO "workflow_version" VALUES(100000,'Prod',2,'demo','{"Name":"demo","Owner":"1000","Trigger":{"Type":"Scheduler","Cron":"00 30 01 * * ?"},"Dependencies":[],"Tags":[]}','[[100001,2],[100002,2],[100004,1],[100005,1]]',1795485850473,'1000');
CREATE INDEX ix_nonce_time ON nonce (time);
CREATE INDEX ix_workflow_project ON workflow (project_id, env, id);
CREATE INDEX ix_task_project ON task (project_id, env, id);
CREATE INDEX ix_task_output_owner ON task_output (owner_id, env);
CREATE INDEX ix_dependency_upstream_output ON dependency (env, upstream_output);
CREATE INDEX ix_dependency_upstream_id ON dependency (env, upstream_id);
CREATE INDEX ix_tag_key ON tag (object_kind, "key", value);
CREATE INDEX ix_operation_unfinished ON operation (id) WHERE finished_time IS NULL;
CREATE INDEX ix_workflow_instance_workflow ON workflow_instance (workflow_id, env, trigger_time);
CREATE INDEX ix_workflow_instance_origin ON workflow_instance (origin);
CREATE INDEX ix_workflow_instance_list ON workflow_instance (project_id, bizdate, id);
CREATE INDEX ix_task_instance_queued ON task_instance (resource_group_id, priority DESC, late, weight DESC, trigger_time, id) WHERE finished_time IS NULL AND status = 'WaitResource';
CREATE INDEX ix_task_instance_list ON task_instance (project_id, bizdate, id);
CREATE INDEX ix_task_instance_ready ON task_instance (due_time) WHERE finished_time IS NULL AND status = 'NotRun' AND pending_upstreams = 0 AND frozen = 0;
CREATE INDEX ix_task_instance_workflow_instance ON task_instance (workflow_instance_id);
CREATE INDEX ix_task_instance_running ON task_instance (resource_group_id) WHERE finished_time IS NULL AND status = 'Running' AND kind = 'Task';
CREATE INDEX ix_task_instance_origin ON task_instance (origin);
CREATE INDEX ix_instance_edge_upstream ON instance_edge (upstream_id);
CREATE INDEX ix_event_instance ON event (instance_id);
CREATE INDEX ix_operation_log_time ON operation_log (time);
COMMIT;
