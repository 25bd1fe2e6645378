// @alicloud/pop-core (V1, everything in the form of a POST); prints what it saw as JSON.
const Core = require('@alicloud/pop-core');

const [endpoint, accessKeyId, accessKeySecret, id] = process.argv.slice(2);
const client = (secret) => new Core({
  accessKeyId, accessKeySecret: secret, endpoint: `http://${endpoint}`, apiVersion: '2024-05-18',
});
const options = (method) => ({ method, timeout: 20000 });
const code = (promise) => promise.then(() => null, (error) => error.code);

(async () => {
  const pop = client(accessKeySecret);
  const parameters = { Id: id, Name: 'pop +*', Owner: '1000', Trigger: JSON.stringify({ Type: 'Manual' }), Tags: '[]' };
  const updated = await pop.request('UpdateWorkflow', parameters, options('POST'));
  const got = await pop.request('GetWorkflow', { Id: id }, options('GET'));
  const listed = await pop.request('listWorkflows', { ProjectId: 10000, Ids: [id] }, options('POST'));
  console.log(JSON.stringify({
    updated: updated.Success, name: got.Workflow.Name, listed: listed.PagingInfo.TotalCount,
    error: await code(pop.request('GetWorkflow', { Id: '1' }, options('GET'))),
    signature: await code(client('wrong').request('GetWorkflow', { Id: id }, options('GET'))),
  }));
})().catch((error) => { console.error(error); process.exit(1); });
