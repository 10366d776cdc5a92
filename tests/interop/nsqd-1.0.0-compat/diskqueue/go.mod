module github.com/nsqio/go-diskqueue

go 1.17

require nsqref/diskqueue v0.0.0
