//go:build tools
// +build tools

// Keeps upstream's nsqd in the requirements of go.mod. ci/upstream builds it from this module.

package tools

import _ "github.com/nsqio/nsq/apps/nsqd"
