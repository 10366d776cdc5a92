// A transfer for ../../matrix.py: publishes bodies through one connection and consumes them through another, both
// negotiated as the job says. It prints what was negotiated and what was received; matrix.py judges that.
//
//     node transfer.js JOB

const crypto = require('crypto')
const fs = require('fs')
const tls = require('tls')

const nsq = require('nsqjs')

function readBodies(path) {
  const data = fs.readFileSync(path)
  const bodies = []
  for (let at = 0; at < data.length; ) {
    const size = data.readUInt32BE(at)
    bodies.push(data.subarray(at + 4, at + 4 + size))
    at += 4 + size
  }
  return bodies
}

function options(job) {
  const given = {}
  if (job.Secret) given.authSecret = job.Secret
  if (job.TLS !== 'clear') {
    given.tls = true
    given.ca = fs.readFileSync(job.CA)
    if (job.Cert) {
      given.cert = fs.readFileSync(job.Cert)
      given.key = fs.readFileSync(job.Key)
    }
    // nsqjs has no option for the version; it uses Node's default.
    tls.DEFAULT_MIN_VERSION = tls.DEFAULT_MAX_VERSION = `TLSv${job.TLS}`
  }
  if (job.Compression === 'snappy') given.snappy = true
  if (job.Compression === 'deflate') Object.assign(given, { deflate: true, deflateLevel: job.Level })
  return given
}

const lines = []
const ends = []

// One of the two connections. nsqjs does not expose it, so `find` looks for it.
function watch(name, emitter, find) {
  const end = { name, words: [] }
  ends.push(end)
  emitter.on('error', (error) => finish(`error: ${name}: ${String(error.message || error).replace(/\s+/g, ' ')}`))
  emitter.on('closed', () => finish(`error: ${name}: closed`))
  emitter.on('nsqd_closed', () => finish(`error: ${name}: closed`))
  emitter.once('ready', () => {
    const conn = find()
    const identified = conn.statemachine.identifyResponse
    if (identified.tls_v1) end.words.push(conn.conn.getProtocol().replace('TLSv', 'tls'))
    if (identified.snappy) end.words.push('snappy')
    if (identified.deflate) end.words.push('deflate', `level ${identified.deflate_level}`)
  })
}

let finished = false

function finish(line) {
  if (finished) return
  finished = true
  if (line) lines.push(line)
  for (const end of ends) lines.push(`${end.name}: ${end.words.join(' ')}`)
  process.stdout.write(lines.map((text) => text + '\n').join(''), () => process.exit(0))
}

function transfer(job) {
  const bodies = readBodies(job.Bodies)
  const given = options(job)

  const reader = new nsq.Reader(job.Topic, 'c', {
    nsqdTCPAddresses: `${job.Host}:${job.Port}`,
    maxInFlight: job.Window,
    ...given,
  })
  let connection
  const add = reader.readerRdy.addConnection.bind(reader.readerRdy)
  reader.readerRdy.addConnection = (conn) => {
    connection = conn
    return add(conn)
  }
  watch('consumer', reader, () => connection)
  reader.on('message', (m) => {
    lines.push(`got ${crypto.createHash('sha256').update(m.body).digest('hex')} ${m.attempts}`)
    m.finish()
    if (lines.length === bodies.length) setTimeout(finish, job.Grace)
  })
  reader.connect()

  const writer = new nsq.Writer(job.Host, Number(job.Port), given)
  watch('publisher', writer, () => writer.conn)
  writer.once('ready', () => {
    const next = (i) => {
      if (i === bodies.length) return
      writer.publish(job.Topic, bodies[i], (error) => {
        if (error) finish(`error: publisher: ${error.message}`)
        else next(i + 1)
      })
    }
    next(0)
  })
  writer.connect()
}

if (process.argv.length !== 3) {
  console.error('usage: node transfer.js JOB')
  process.exit(2)
}
transfer(JSON.parse(process.argv[2]))
