#!/usr/bin/env bash
# ClusterFuzzLite runs this in the image of the Dockerfile beside it.
exec "$SRC/nsqref/fuzz/build.sh"
