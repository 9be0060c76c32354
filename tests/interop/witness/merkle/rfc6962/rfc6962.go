// Package rfc6962 is the release's package of that name.
package rfc6962

import "example.org/merkle/rfc6962"

type Hasher = rfc6962.Hasher

const (
	RFC6962LeafHashPrefix = rfc6962.RFC6962LeafHashPrefix
	RFC6962NodeHashPrefix = rfc6962.RFC6962NodeHashPrefix
)

var (
	DefaultHasher = rfc6962.DefaultHasher
	New           = rfc6962.New
)
