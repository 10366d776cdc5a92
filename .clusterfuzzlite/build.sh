#!/usr/bin/env bash
# What ClusterFuzzLite runs in the image of the Dockerfile beside it.
exec "$SRC/nsqref/fuzz/build.sh"
