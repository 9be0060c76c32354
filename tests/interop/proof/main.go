// Verifies a .tlog-proof file against a tlog-policy with filippo.io/torchwood, and reads it with
// github.com/transparency-dev/formats.
//
//	proof PROOF_FILE POLICY_FILE LEAF_FILE
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"filippo.io/torchwood"
	f_proof "github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	file, policyText, leaf := read(os.Args[1]), read(os.Args[2]), read(os.Args[3])
	policy, err := torchwood.ParsePolicy(policyText)
	check(err)
	check(torchwood.VerifyProof(policy, tlog.RecordHash(leaf), file))
	extra, err := torchwood.ProofExtraData(file)
	check(err)

	var parsed f_proof.TLogProof
	check(parsed.Unmarshal(file))
	if !bytes.Equal(parsed.Marshal(), file) || !bytes.Equal(extra, parsed.ExtraData) {
		log.Fatal("the two readers differ")
	}
	fmt.Println("index", parsed.Index)
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(err)
	return data
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
