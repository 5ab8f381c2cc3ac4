// Listens on a port and counts who connects, which nobody should.
//   node bystander.js --host H --port P
// Prints {"ready":true}, and {"connected":<address>} for each connection.
'use strict'
const net = require('net')
const common = require('./common')

const a = common.args(process.argv.slice(2), {})
net.createServer((socket) => {
  common.print({ connected: socket.remoteAddress })
  socket.on('error', () => {})
}).listen(Number(a.port), a.host, () => common.print({ ready: true }))
process.on('SIGTERM', () => process.exit(0))
