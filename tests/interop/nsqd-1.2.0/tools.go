//go:build tools
// +build tools

// Keeps upstream's nsqd 1.2.0 in the requirements of go.mod. ci/conform-upstream builds it from this module.

package tools

import _ "github.com/nsqio/nsq/apps/nsqd"
