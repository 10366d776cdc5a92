// A consumer for ../../cluster: finds the nsqds of a topic through nsqlookupds, and prints each message. It runs until it
// is ended, 3 minutes at most.
package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nsqio/go-nsq"
)

func discover(text string) {
	var j struct {
		Lookups        []string
		Topic, Channel string
	}
	must(json.Unmarshal([]byte(text), &j))
	c := config(10, 0)
	c.LookupdPollInterval = 200 * time.Millisecond
	consumer, err := nsq.NewConsumer(j.Topic, j.Channel, c)
	must(err)
	consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		fmt.Printf("got %s\n", m.Body)
		return nil
	}))
	must(consumer.ConnectToNSQLookupds(j.Lookups))
	time.Sleep(3 * time.Minute)
}
