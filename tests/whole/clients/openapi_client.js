// @alicloud/openapi-client by its generic call (V3, chunked bodies, flat maps); prints what it saw as JSON.
const { default: Client, Config, OpenApiRequest, Params } = require('@alicloud/openapi-client');
const { RuntimeOptions } = require('@alicloud/tea-util');

const [endpoint, accessKeyId, accessKeySecret, id] = process.argv.slice(2);
const client = new Client(new Config({ accessKeyId, accessKeySecret, endpoint, protocol: 'HTTP' }));

async function call(action, parameters, method = 'POST') {
  const params = new Params({
    action, version: '2024-05-18', protocol: 'HTTP', method, authType: 'AK', style: 'RPC', pathname: '/',
    reqBodyType: 'formData', bodyType: 'json',
  });
  const request = method === 'GET' ? new OpenApiRequest({ query: parameters }) : new OpenApiRequest({ body: parameters });
  const runtime = new RuntimeOptions({ readTimeout: 20000, connectTimeout: 20000 });
  return (await client.callApi(params, request, runtime)).body;
}

const code = (promise) => promise.then(() => null, (error) => error.code);

(async () => {
  const task = {
    Name: 'node', Type: 'VIRTUAL', Owner: '1000', RerunMode: 'AllAllowed', Trigger: { Recurrence: 'Normal' },
    RuntimeResource: { ResourceGroupId: 'g' }, Tags: [{ Key: 'k', Value: "it's (1) *~!" }],
  };
  const flat = { Id: id, Name: 'flat', Owner: '1000', Trigger: { Type: 'Manual' }, Tags: [{ Key: 'a' }, { Key: 'b' }] };
  const updated = await call('UpdateWorkflow', { ...flat, Tasks: [task] });
  const got = (await call('GetWorkflow', { Id: id }, 'GET')).Workflow;
  const text = { ...flat, Trigger: JSON.stringify(flat.Trigger), Tags: '[]', Tasks: JSON.stringify([task, null]) };
  const created = await call('GetTask', { Id: String(got.Tasks[0].Id) }, 'GET');
  console.log(JSON.stringify({
    updated: updated.Success, tags: got.Tags.map((tag) => tag.Key), task: created.Task.Tags[0].Value,
    error: await code(call('GetWorkflow', { Id: '1' }, 'GET')), missing: await code(call('UpdateWorkflow', text)),
  }));
})().catch((error) => { console.error(error); process.exit(1); });
