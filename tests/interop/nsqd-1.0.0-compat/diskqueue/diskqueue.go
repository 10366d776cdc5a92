// Package diskqueue has the New that nsqd 1.0.0-compat calls. The module proxy does not have the commit of go-diskqueue
// that this release was built with. The commit that 1.1.0 was built with takes a function for the log, in place of a
// Logger.
package diskqueue

import (
	"fmt"
	"time"

	original "nsqref/diskqueue"
)

// Logger is what nsqd passes to New.
type Logger interface {
	Output(maxdepth int, s string) error
}

// New opens a queue that logs to `logger`.
func New(name string, dataPath string, maxBytesPerFile int64, minMsgSize int32, maxMsgSize int32, syncEvery int64,
	syncTimeout time.Duration, logger Logger) original.Interface {
	log := func(level original.LogLevel, format string, values ...interface{}) {
		_ = logger.Output(2, level.String()+": "+fmt.Sprintf(format, values...))
	}
	return original.New(name, dataPath, maxBytesPerFile, minMsgSize, maxMsgSize, syncEvery, syncTimeout, log)
}
