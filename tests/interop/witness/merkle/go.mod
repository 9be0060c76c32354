// The last release of github.com/transparency-dev/merkle under its own path, with one name more.
//
// The witness is written against an unreleased merkle that not every module mirror serves. What it
// uses is in the release, but for the check of subtree proofs, an optional service that is not
// switched on here. So every name is the release's own, and that one function refuses.
module github.com/transparency-dev/merkle

go 1.25.0

require example.org/merkle v0.0.2

replace example.org/merkle => github.com/transparency-dev/merkle v0.0.2
