// Package merkle is the release's package of that name.
package merkle

import "example.org/merkle"

type LogHasher = merkle.LogHasher
