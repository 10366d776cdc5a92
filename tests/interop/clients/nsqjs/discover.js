// A consumer for ../../cluster: finds the nsqds of a topic through nsqlookupds, and prints each message. It runs until it
// is ended, 3 minutes at most.
//
//     node discover.js JOB

const nsq = require('nsqjs')

const job = JSON.parse(process.argv[2])
const reader = new nsq.Reader(job.Topic, job.Channel, {
  lookupdHTTPAddresses: job.Lookups,
  lookupdPollInterval: 1,
  lookupdPollJitter: 0.01,
  maxInFlight: 10,
})
reader.on('error', (error) => console.log(`error: ${error.message}`))
reader.on('message', (m) => {
  console.log(`got ${m.body}`)
  m.finish()
})
reader.connect()
setTimeout(() => process.exit(1), 180000)
