// The scenarios that ../../expected.txt describes. The other clients have the same scenarios with the same names.
//
//     node scenarios.js HOST PORT

const crypto = require('crypto')

const { Queue, heldBack, runAll, sleep, yesNo } = require('./client')

async function identify(s) {
  const got = (await s.subscribe('c')).identified
  for (const key of ['max_rdy_count', 'auth_required', 'tls_v1', 'deflate', 'snappy']) {
    s.saw(`${key} ${got[key]}`)
  }
}

async function pub(s) {
  const messages = s.consume('c')
  await s.pub('one')
  await s.pub('two')
  await s.pub('three')
  for (let i = 0; i < 3; i++) {
    const m = await messages.get()
    s.sawMessage(m)
    m.finish()
  }
}

async function mpub(s) {
  const messages = s.consume('c', { maxInFlight: 10 })
  await s.mpub('red', 'green', 'blue')
  for (let i = 0; i < 3; i++) {
    const m = await messages.get()
    s.sawMessage(m)
    m.finish()
  }
}

async function dpub(s) {
  const messages = s.consume('c', { maxInFlight: 2 })
  const start = performance.now()
  await s.dpub(600, 'later')
  await s.pub('now')
  let m = await messages.get()
  s.sawMessage(m)
  m.finish()
  m = await messages.get()
  s.sawHeldBack(m, start, 600)
  m.finish()
}

async function requeue(s) {
  const messages = s.consume('c')
  await s.pub('again')
  let m = await messages.get()
  s.sawMessage(m)
  const start = performance.now()
  m.requeue(700, false)
  m = await messages.get()
  s.sawHeldBack(m, start, 700)
  m.requeue(0, false)
  m = await messages.get()
  s.sawMessage(m)
  m.finish()
}

async function touch(s) {
  const messages = s.consume('c', { maxInFlight: 2, messageTimeout: 2000 })
  const start = performance.now()
  await s.pub('kept')
  await s.pub('left')
  const kept = await messages.get()
  s.sawMessage(kept)
  s.sawMessage(await messages.get())
  const touching = setInterval(() => kept.touch(), 400)
  let m = await messages.get()
  s.sawHeldBack(m, start, 2000)
  m.finish()
  await sleep(1000)
  clearInterval(touching)
  kept.finish()
  await s.pub('last')
  m = await messages.get()
  s.sawMessage(m)
  m.finish()
}

async function timeout(s) {
  const messages = s.consume('c', { maxInFlight: 2, messageTimeout: 2000 })
  const start = performance.now()
  await s.pub('finished')
  await s.pub('forgotten')
  let m = await messages.get()
  s.sawMessage(m)
  m.finish()
  s.sawMessage(await messages.get())
  m = await messages.get()
  s.sawHeldBack(m, start, 2000)
  m.finish()
  await s.pub('last')
  m = await messages.get()
  s.sawMessage(m)
  m.finish()
}

async function twoChannels(s) {
  const left = await s.subscribe('left', { maxInFlight: 5 })
  const right = await s.subscribe('right', { maxInFlight: 5 })
  await s.pub('one')
  await s.pub('two')
  const ids = []
  for (const [channel, subscriber] of Object.entries({ left, right })) {
    const messages = [await subscriber.messages.get(), await subscriber.messages.get()]
    for (const m of messages) {
      s.saw(`${channel}: ${m.body}, attempt ${m.attempts}`)
      m.finish()
    }
    ids.push(messages.map((m) => m.id).join(' '))
  }
  s.saw(`same ids in both: ${yesNo(ids[0] === ids[1])}`)
}

async function severalConsumers(s) {
  const readers = [s.consume('c'), s.consume('c'), s.consume('c')]
  await s.mpub('a', 'b', 'c')
  const held = await Promise.all(readers.map((messages) => messages.get()))
  const bodies = held.map((m) => m.body.toString()).sort()
  s.saw(`held at once, by one each: ${bodies.join(' ')}`)
  for (const m of held) m.finish()

  const count = 30
  await s.publish(Array.from({ length: count }, (_, i) => String(i)))
  await s.pub('last')
  const seen = new Map()
  await new Promise((resolve) => {
    let left = count + 1
    const work = async (messages) => {
      for (;;) {
        const m = await messages.get()
        add(seen, m.body.toString(), m.attempts)
        m.finish()
        if (--left === 0) resolve()
      }
    }
    readers.forEach(work)
  })
  s.saw(`${count + 1} more, each once: ${eachOnce(seen, count + 1)}`)
}

function add(counts, key, n) {
  counts.set(key, (counts.get(key) || 0) + n)
}

// Tells whether there are `count` different bodies, each seen once.
function eachOnce(seen, count) {
  const again = [...seen.values()].filter((times) => times !== 1).length
  return seen.size === count && again === 0 ? 'yes' : `no, ${seen.size} came, ${again} of them again`
}

async function ephemeral(s) {
  const keeper = await s.subscribe('keeper', { maxInFlight: 5 })
  let visitor = await s.subscribe('visitor#ephemeral', { maxInFlight: 5 })
  const take = async (who, subscriber) => {
    const m = await subscriber.messages.get()
    s.saw(`${who}: ${m.body}, attempt ${m.attempts}`)
    m.finish()
  }
  await s.pub('first')
  await take('keeper', keeper)
  await take('visitor', visitor)
  await sleep(100) // finish() writes to the socket a little later
  visitor.conn.destroy()
  await sleep(500)
  await s.pub('away')
  await take('keeper', keeper)
  visitor = await s.subscribe('visitor#ephemeral', { maxInFlight: 5 })
  await s.pub('back')
  await take('keeper', keeper)
  await take('visitor', visitor)
}

async function cls(s) {
  const start = performance.now()
  const leaver = await s.subscribe('c', { maxInFlight: 5, messageTimeout: 2000 })
  await s.pub('held')
  await s.pub('dropped')
  const held = await leaver.messages.get()
  s.sawMessage(held)
  s.sawMessage(await leaver.messages.get())
  leaver.conn.write('CLS\n') // conn.close() would not wait for the reply
  s.saw(await leaver.replies.get())
  await s.pub('next')
  const more = await Promise.race([leaver.messages.get(), sleep(500)])
  s.saw(`after CLS: ${more ? more.body : 'nothing'}`)
  held.finish()

  const follower = await s.subscribe('c', { maxInFlight: 5 })
  let m = await follower.messages.get()
  s.sawMessage(m)
  m.finish()
  m = await follower.messages.get()
  s.sawHeldBack(m, start, 2000)
  m.finish()
}

async function heartbeat(s) {
  const start = performance.now()
  const subscriber = await s.subscribe('c', { heartbeatInterval: 1 })
  for (let i = 0; i < 3; i++) await subscriber.heartbeats.get()
  s.saw(`3 heartbeats, after 3000 ms: ${heldBack(start, 3000)}`)
  await s.pub('awake')
  const m = await subscriber.messages.get()
  s.sawMessage(m)
  m.finish()
}

function digest(body) {
  return 'sha256 ' + crypto.createHash('sha256').update(body).digest('hex')
}

async function large(s) {
  const messages = s.consume('c')
  const body = Buffer.alloc(1 << 20)
  for (let i = 0; i < body.length; i++) body[i] = (i * 7 + (i >> 8)) & 255
  s.saw(`PUB of ${body.length} bytes: ${await s.publish(body)}`)
  const m = await messages.get()
  s.saw(`${m.body.length} bytes, ${digest(m.body)}, attempt ${m.attempts}`)
  m.finish()
}

async function binary(s) {
  const messages = s.consume('c')
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const others = ['\0', '\n', '\r\n', '\0\0\0\x05\0\0\0\x01', '\xff\xfe\xc3\x28', 'NOP\nCLS\n']
  const bodies = [everyByte, ...others.map((text) => Buffer.from(text, 'latin1'))]
  for (const body of bodies) s.saw(`PUB of ${body.length} bytes: ${await s.publish(body)}`)
  s.saw(`MPUB of the same: ${await s.publish(bodies)}`)
  for (let i = 0; i < 2 * bodies.length; i++) {
    const m = await messages.get()
    const text = m.body.length > 16 ? digest(m.body) : 'hex ' + m.body.toString('hex')
    s.saw(`${m.body.length} bytes, ${text}, attempt ${m.attempts}`)
    m.finish()
  }
}

async function tenThousand(s) {
  const [count, batch, consumers] = [10000, 500, 4]
  const seen = new Map()
  const shares = new Map()
  const canaries = new Queue()
  const work = async (consumer) => {
    const messages = s.consume('c', { maxInFlight: 50, messageTimeout: 5000 })
    for (;;) {
      const m = await messages.get()
      if (m.body.toString() === 'canary') {
        canaries.put(m)
        continue
      }
      add(seen, m.body.toString(), 1)
      add(shares, consumer, 1)
      m.finish()
    }
  }
  for (let i = 0; i < consumers; i++) work(i)
  for (let first = 0; first < count; first += batch) {
    await s.publish(Array.from({ length: batch }, (_, i) => String(first + i)))
  }
  const canarySent = performance.now()
  await s.pub('canary')
  s.sawMessage(await canaries.get()) // not finished: it times out, as every unfinished message would
  const m = await canaries.get()
  s.sawHeldBack(m, canarySent, 5000)
  m.finish()
  await sleep(300)
  s.saw(`${count} messages, each once: ${eachOnce(seen, count)}`)
  s.saw(`each of ${consumers} consumers had some: ${yesNo(shares.size === consumers)}`)
}

const SCENARIOS = {
  identify,
  pub,
  mpub,
  dpub,
  requeue,
  touch,
  timeout,
  'two-channels': twoChannels,
  'several-consumers': severalConsumers,
  ephemeral,
  cls,
  heartbeat,
  large,
  binary,
  'ten-thousand': tenThousand,
}

if (process.argv.length !== 4) {
  console.error('usage: node scenarios.js HOST PORT')
  process.exit(2)
}
runAll(SCENARIOS, process.argv[2], Number(process.argv[3])).then(() => process.exit(0))
