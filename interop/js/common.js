// Shared by the programs here: arguments, module look-up, packet traces.
'use strict'
const fs = require('fs')
const path = require('path')
const Module = require('module')

// node_modules may stand elsewhere: LAB_MODULES=<folder that holds node_modules>.
const base = path.resolve(process.env.LAB_MODULES || __dirname)
exports.req = Module.createRequire(path.join(base, 'lab.js'))

// What ssb-client and ssb-server are built on, as they themselves find it.
exports.within = (name) => Module.createRequire(exports.req.resolve(name + '/package.json'))

// --name value | --name=value | --flag; a repeated one becomes an array.
exports.args = function (argv, defaults) {
  const out = Object.assign({}, defaults)
  const seen = {}
  for (let i = 0; i < argv.length; i++) {
    const m = /^--([^=]+)(?:=([^]*))?$/.exec(argv[i])
    if (!m) throw new Error('not an option: ' + argv[i])
    let v = m[2]
    if (v === undefined) v = (i + 1 < argv.length && !/^--/.test(argv[i + 1])) ? argv[++i] : true
    if (seen[m[1]]) out[m[1]] = [].concat(out[m[1]], v)
    else out[m[1]] = v
    seen[m[1]] = true
  }
  return out
}

// Has a node ask its peers for all feeds that FILE names, and pass them on: {"feeds":[{"id":...},...]}.
exports.request = (server, file) => {
  // ssb-server's plugins pass it on to ssb-ebt, newer ones have no such method.
  const request = server.ebt.request || server.replicate.request
  for (const { id } of JSON.parse(fs.readFileSync(file, 'utf8')).feeds) request(id, true)
}

exports.print = (object) => process.stdout.write(JSON.stringify(object) + '\n')

// TCP_NODELAY on every socket, which multiserver does not set: takes Nagle's algorithm out of a measurement.
exports.noDelay = function () {
  const net = require('net')
  const { connect, createServer } = net
  net.createServer = (options, listener) => typeof options === 'function'
    ? createServer.call(net, { noDelay: true }, options)
    : createServer.call(net, Object.assign({}, options, { noDelay: true }), listener)
  net.connect = net.createConnection = (...args) => connect.apply(net, args).setNoDelay(true)
}

// Wraps packet-stream-codec (the muxrpc framing) so that each packet of each connection is written to
// `file`, decoded, one line a packet: <ms> c<connection> <direction> flags req [stream] [end] <body>.
exports.trace = function (file) {
  const start = Date.now()
  let connections = 0
  const kind = v => Buffer.isBuffer(v) ? 0 : typeof v === 'string' ? 1 : 2
  const body = v => Buffer.isBuffer(v) ? `<${v.length} bytes ${v.slice(0, 48).toString('hex')}>` : JSON.stringify(v)
  function log (n, direction, packet) {
    const head = `${String(Date.now() - start).padStart(6)} c${n} ${direction} `
    if (packet === 'GOODBYE') return fs.appendFileSync(file, head + 'GOODBYE\n')
    const v = packet.value !== undefined ? packet.value : packet.end
    const flags = (packet.stream ? 8 : 0) | (packet.end ? 4 : 0) | kind(v)
    fs.appendFileSync(file, head + `flags=0x${flags.toString(16).padStart(2, '0')} req=${packet.req || 0}` +
      `${packet.stream ? ' stream' : ''}${packet.end ? ' end' : ''} ${body(v)}\n`)
  }
  const load = Module._load
  Module._load = function (request) {
    const mod = load.apply(this, arguments)
    if (request !== 'packet-stream-codec' || mod.traced) return mod
    const wrapped = function (stream, debug) {
      const n = ++connections
      const tap = (direction, read) => (abort, cb) => read(abort, (end, data) => {
        if (!end) log(n, direction, data)
        cb(end, data)
      })
      return mod({ source: tap('>>', stream.source), sink: read => stream.sink(tap('<<', read)) }, debug)
    }
    return Object.assign(wrapped, mod, { traced: true })
  }
}
