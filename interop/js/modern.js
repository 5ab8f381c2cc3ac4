// A real node of the newer JavaScript stack, on loopback: secret-stack 6 with ssb-db2 8, ssb-ebt 9, ssb-conn 6,
// ssb-friends 5, ssb-blobs 2.
//   node modern.js --dir D --port P --shs <base64 of 32 bytes> [--host 127.0.0.1] [--hops N] [--lan] [--blobs <JSON>] [--request FILE] [--trace FILE] [--log info]
// --blobs is what its configuration says of blobs. It dials nobody of its own accord, unless with --lan, when it finds and dials others by ssb-lan, in its newer dialect only, and prints
// {"heard":address,"verified":...} for each. Prints one JSON line {"ready":true,id,address,...} when it listens; stops on SIGTERM.
'use strict'
const fs = require('fs')
const path = require('path')
const common = require('./common')

const a = common.args(process.argv.slice(2), { host: '127.0.0.1', hops: 2, log: 'error' })
if (!a.dir || !a.port || !a.shs) {
  console.error('need --dir --port --shs')
  process.exit(2)
}
if (a.trace) common.trace(a.trace)
process.argv.length = 2 // ssb-config would read the rest as configuration
const { req } = common

const dir = path.resolve(a.dir)
fs.mkdirSync(dir, { recursive: true })
const scope = ['device', 'local', 'public']
const config = {
  path: dir,
  keys: req('ssb-keys').loadOrCreateSync(path.join(dir, 'secret')),
  caps: { shs: a.shs },
  friends: { hops: Number(a.hops) },
  // Without any, secret-stack takes itself for a test, and ends connections that are silent for five seconds.
  timers: { inactivity: 600e3, handshake: 15e3 },
  conn: { autostart: !!a.lan, populatePubs: false },
  // Without groups.
  box2: { legacyMode: true },
  replicate: { legacy: false },
  blobs: a.blobs && JSON.parse(a.blobs),
  lan: { legacy: false },
  logging: { level: a.log },
  connections: {
    incoming: {
      net: [{ scope, transform: 'shs', host: a.host, port: Number(a.port) }],
      unix: [{ scope: 'device', transform: 'noauth' }]
    },
    outgoing: { net: [{ transform: 'shs' }] }
  }
}
const stack = req('secret-stack')({ caps: config.caps })
if (a.lan) stack.use(req('ssb-lan'))
for (const name of ['ssb-master', 'ssb-unix-socket', 'ssb-no-auth', 'ssb-db2', 'ssb-db2/compat', 'ssb-conn', 'ssb-ebt',
  'ssb-friends', 'ssb-replication-scheduler', 'ssb-blobs']) {
  stack.use(name === 'ssb-unix-socket' || name === 'ssb-no-auth' ? common.within('ssb-server')(name) : req(name))
}
const server = stack(config)
fs.writeFileSync(path.join(dir, 'manifest.json'), JSON.stringify(server.getManifest(), null, 2))

if (a.request) common.request(server, a.request)

server.once('multiserver:listening', () => common.print({
  ready: true,
  id: server.id,
  address: `net:${a.host}:${a.port}~shs:${server.id.slice(1, -8)}`
}))
if (a.lan) {
  const { pull } = req('pull-stream')
  pull(server.lan.discoveredPeers(), pull.drain(({ address, verified }) => common.print({ heard: address, verified })))
}
// The pause lets the last asynchronous file writes (ebt/, conn.json) land.
const stop = () => {
  server.close(() => setTimeout(() => process.exit(0), 300))
  setTimeout(() => process.exit(0), 2500).unref()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
