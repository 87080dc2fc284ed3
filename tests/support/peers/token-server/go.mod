// Pins what the token server itself leaves open: its release has no go.mod of its own.
module peers/token-server

go 1.21

require github.com/docker/distribution v2.8.3+incompatible

require (
	github.com/docker/libtrust v0.0.0-20160708172513-aabc10ec26b7 // indirect
	github.com/gorilla/mux v1.8.1 // indirect
	github.com/sirupsen/logrus v1.9.3 // indirect
	golang.org/x/crypto v0.17.0 // indirect
	golang.org/x/sys v0.15.0 // indirect
)
