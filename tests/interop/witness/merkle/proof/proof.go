// Package proof is the release's package of that name, and a check of subtrees that refuses.
package proof

import (
	"errors"

	"example.org/merkle"
	"example.org/merkle/proof"
)

type (
	Nodes             = proof.Nodes
	RootMismatchError = proof.RootMismatchError
)

var (
	Consistency            = proof.Consistency
	Inclusion              = proof.Inclusion
	RootFromInclusionProof = proof.RootFromInclusionProof
	VerifyConsistency      = proof.VerifyConsistency
	VerifyInclusion        = proof.VerifyInclusion
)

// VerifySubtreeConsistency is not in the release.
func VerifySubtreeConsistency(merkle.LogHasher, uint64, uint64, uint64, [][]byte, []byte, []byte) error {
	return errors.New("subtrees are not checked here")
}
