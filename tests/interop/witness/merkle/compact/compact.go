// Package compact is the release's package of that name.
package compact

import "example.org/merkle/compact"

type (
	HashFn       = compact.HashFn
	NodeID       = compact.NodeID
	Range        = compact.Range
	RangeFactory = compact.RangeFactory
	VisitFn      = compact.VisitFn
)

var (
	Decompose  = compact.Decompose
	NewNodeID  = compact.NewNodeID
	RangeNodes = compact.RangeNodes
	RangeSize  = compact.RangeSize
)
