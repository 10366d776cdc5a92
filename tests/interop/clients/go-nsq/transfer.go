// A transfer for ../../matrix.py: publishes bodies through one connection and consumes them through another, both
// negotiated as the job says. It prints what was negotiated and what was received; matrix.py judges that.
package main

import (
	"bufio"
	"crypto/sha256"
	"crypto/tls"
	bigendian "encoding/binary" // a scenario has the name "binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"
)

type job struct {
	Host, Port, Topic, Bodies, TLS, CA, Cert, Key, Compression, Secret string
	Level, Window                                                      int
	Grace                                                              int // milliseconds to wait for messages beyond the last
}

// An end is one of the two connections. Only go-nsq's log lines tell what it negotiated.
type end struct {
	name   string
	mutex  sync.Mutex
	words  []string
	failed chan string
}

func (e *end) Output(_ int, line string) error {
	if i := strings.Index(line, ") upgrading to "); i >= 0 {
		if word := strings.ToLower(line[i+len(") upgrading to "):]); word != "tls" { // for TLS, another line has the version
			e.saw(word)
		}
	}
	for _, what := range []string{"IO error - ", "protocol error - ", "error connecting to nsqd - "} {
		if i := strings.Index(line, what); i >= 0 {
			e.fail(line[i+len(what):])
		}
	}
	return nil
}

func (e *end) saw(word string) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.words = append(e.words, word)
}

func (e *end) fail(reason string) {
	select {
	case e.failed <- e.name + ": " + strings.ReplaceAll(reason, "\n", " "):
	default: // the first reason counts
	}
}

func (e *end) negotiated() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return e.name + ": " + strings.Join(e.words, " ")
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

func (j *job) config(e *end) *nsq.Config {
	c := nsq.NewConfig()
	c.MaxInFlight = j.Window
	c.AuthSecret = j.Secret
	if j.TLS != "clear" {
		c.TlsV1 = true
		must(c.Set("tls_root_ca_file", j.CA))
		if j.Cert != "" {
			certificate, err := tls.LoadX509KeyPair(j.Cert, j.Key)
			must(err)
			// Sent even if the server names other authorities; with the option tls_cert go-nsq would not send it then.
			c.TlsConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &certificate, nil
			}
		}
		c.TlsConfig.MinVersion = versions[j.TLS]
		c.TlsConfig.MaxVersion = versions[j.TLS]
		c.TlsConfig.VerifyConnection = func(state tls.ConnectionState) error {
			for name, version := range versions {
				if state.Version == version {
					e.saw("tls" + name)
				}
			}
			return nil
		}
	}
	switch j.Compression {
	case "snappy":
		c.Snappy = true
	case "deflate":
		c.Deflate = true
		c.DeflateLevel = j.Level
	}
	return c
}

func readBodies(path string) [][]byte {
	data, err := os.ReadFile(path)
	must(err)
	bodies := [][]byte{}
	for len(data) > 0 {
		size := bigendian.BigEndian.Uint32(data)
		bodies = append(bodies, data[4:4+size])
		data = data[4+size:]
	}
	return bodies
}

func transfer(text string) {
	var j job
	must(json.Unmarshal([]byte(text), &j))
	bodies := readBodies(j.Bodies)
	address := net.JoinHostPort(j.Host, j.Port)
	failed := make(chan string, 1)
	publisher, subscriber := &end{name: "publisher", failed: failed}, &end{name: "consumer", failed: failed}

	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	defer func() { fmt.Fprintf(out, "%s\n%s\n", publisher.negotiated(), subscriber.negotiated()) }()

	got := make(chan string, 10*len(bodies))
	consumer, err := nsq.NewConsumer(j.Topic, "c", j.config(subscriber))
	must(err)
	consumer.SetLogger(subscriber, nsq.LogLevelInfo)
	consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		sum := sha256.Sum256(m.Body)
		got <- fmt.Sprintf("got %s %d", hex.EncodeToString(sum[:]), m.Attempts)
		return nil
	}))
	producer, err := nsq.NewProducer(address, j.config(publisher))
	must(err)
	producer.SetLogger(publisher, nsq.LogLevelInfo)

	go func() {
		if err := consumer.ConnectToNSQD(address); err != nil {
			subscriber.fail(err.Error())
			return
		}
		for _, body := range bodies {
			if err := producer.Publish(j.Topic, body); err != nil {
				publisher.fail(err.Error())
				return
			}
		}
	}()

	var more <-chan time.Time
	for count := 0; ; {
		select {
		case line := <-got:
			fmt.Fprintln(out, line)
			if count++; count == len(bodies) {
				more = time.After(time.Duration(j.Grace) * time.Millisecond)
			}
		case reason := <-failed:
			fmt.Fprintln(out, "error: "+reason)
			return
		case <-more:
			return
		}
	}
}
