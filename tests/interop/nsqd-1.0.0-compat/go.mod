module nsqref/tests/interop/nsqd-1.0.0-compat

go 1.17

require github.com/nsqio/nsq v1.0.0-compat

require (
	nsqref/diskqueue v0.0.0 // indirect
	github.com/BurntSushi/toml v0.0.0-20130929175405-2dff11163ee6 // indirect
	github.com/blang/semver v2.1.0+incompatible // indirect
	github.com/bmizerany/perks v0.0.0-20140429223840-6cb9d9d72930 // indirect
	github.com/golang/snappy v0.0.0-20160529050041-d9eb7a3d35ec // indirect
	github.com/judwhite/go-svc v1.0.0 // indirect
	github.com/julienschmidt/httprouter v1.1.1-0.20150708215400-6aacfd5ab513 // indirect
	github.com/mreiferson/go-options v0.0.0-20161229190002-77551d20752b // indirect
	github.com/nsqio/go-diskqueue v0.0.0 // indirect
	github.com/nsqio/go-nsq v1.0.7-0.20161229185821-a53d495e8142 // indirect
)

// The folder has a New with this release's parameters, and calls the real one, which it knows as nsqref/diskqueue.
replace (
	github.com/nsqio/go-diskqueue => ./diskqueue
	nsqref/diskqueue => github.com/nsqio/go-diskqueue v0.0.0-20170827071139-0681a1afee12
)
