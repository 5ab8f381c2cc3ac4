// A real ssb-server 16 with the plugins of its bin.js, on loopback.
//   node server.js --dir D --port P --ws-port W --shs <base64 of 32 bytes>
//     [--host 127.0.0.1] [--sign <base64>] [--seed <address> ...] [--hops N] [--no-ebt] [--no-dial] [--local] [--no-delay] [--blobs <JSON>] [--request FILE] [--trace FILE] [--log info]
// --blobs is what its configuration says of blobs. With --local it finds others in its network, and dials them. With --no-dial it dials nobody of its own accord. Prints one JSON line {"ready":true,id,address,...} when it listens; stops on SIGTERM.
'use strict'
const fs = require('fs')
const path = require('path')
const common = require('./common')

const a = common.args(process.argv.slice(2), { host: '127.0.0.1', hops: 2, log: 'error' })
if (!a.dir || !a.port || !a['ws-port'] || !a.shs) {
  console.error('need --dir --port --ws-port --shs')
  process.exit(2)
}
if (a.trace) common.trace(a.trace)
if (a['no-delay']) common.noDelay()
const req = common.within('ssb-server')

fs.mkdirSync(a.dir, { recursive: true })
const caps = { shs: a.shs }
if (a.sign) caps.sign = a.sign
// Not ssb-config/inject: it reads files, environment and arguments, which would win over these values.
const config = req('ssb-config/defaults')('ssb-interop', {
  path: path.resolve(a.dir),
  host: a.host,
  port: Number(a.port),
  ws: { port: Number(a['ws-port']) },
  caps,
  seeds: a.seed ? [].concat(a.seed) : undefined,
  friends: { hops: Number(a.hops), dunbar: 150 },
  gossip: Object.assign({ connections: 3, local: !!a.local, pub: true }, a['no-dial'] && { friends: false, seed: false, global: false }),
  blobs: a.blobs && JSON.parse(a.blobs),
  logging: { level: a.log }
})

const create = req('./')
for (const name of ['private1', 'onion', 'unix-socket', 'no-auth', 'plugins', 'master', 'gossip', 'replicate',
  'friends', 'blobs', 'invite', 'local', 'logging', 'query', 'links', 'ws', 'ebt', 'ooo']) {
  if (!(a['no-ebt'] && name === 'ebt')) create.use(req('ssb-' + name))
}
// Not of bin.js: applications add them.
create.use(common.req('ssb-backlinks'))
create.use(common.req('ssb-private'))
const server = create(config)
fs.writeFileSync(path.join(config.path, 'manifest.json'), JSON.stringify(server.getManifest(), null, 2))

if (a.request) common.request(server, a.request)

server.once('multiserver:listening', () => common.print({
  ready: true,
  id: server.id,
  address: `net:${a.host}:${config.port}~shs:${server.id.slice(1, -8)}`
}))
// The pause lets the last asynchronous file writes (ebt/, gossip.json) land.
const stop = () => {
  server.close(() => setTimeout(() => process.exit(0), 300))
  setTimeout(() => process.exit(0), 2500).unref()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
