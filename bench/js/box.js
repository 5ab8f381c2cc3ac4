// Box streams of pull-box-stream on sodium-native, measured. Says `ready`; then each line of input, `seal 512` or
// `seal-and-open 512`, has so many MiB in writes of 64 KiB go through, and gets one JSON line of seconds.
'use strict'
const readline = require('readline')
const pull = require('pull-stream')
const box = require('pull-box-stream')
// What chloride wraps; it would fall back to JavaScript without a word.
require('chloride/bindings')

const key = Buffer.alloc(32, 7)
const nonce = Buffer.alloc(24, 9)
const write = Buffer.alloc(64 * 1024, 0x5a)

function measure (job, mib, cb) {
  const through = [box.createBoxStream(key, nonce)]
  if (job === 'seal-and-open') through.push(box.createUnboxStream(key, nonce))
  let bytes = 0
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  pull(
    pull.infinite(() => write),
    pull.take(mib * 16),
    ...through,
    pull.drain((chunk) => { bytes += chunk.length }, (err) => {
      if (err) throw err
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      const { user, system } = process.cpuUsage(cpu)
      cb({ job, bytes, seconds, cpu: (user + system) / 1e6 })
    })
  )
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [job, mib] = line.split(' ')
  measure(job, Number(mib), (figures) => console.log(JSON.stringify(figures)))
})
console.log('ready')
