//go:build tools
// +build tools

// Keeps upstream's nsqd, which ci/upstream builds from this module, among the requirements of go.mod.

package tools

import _ "github.com/nsqio/nsq/apps/nsqd"
