//go:build tools
// +build tools

// Keeps upstream's nsqd 1.2.1, which ci/conform-upstream builds from this module, among the requirements of
// go.mod.

package tools

import _ "github.com/nsqio/nsq/apps/nsqd"
