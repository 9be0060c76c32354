// Verifies a COSE receipt (RFC 9942) with github.com/veraison/go-cose, which knows nothing of the
// log: the root is computed from leaf and proof with github.com/transparency-dev/merkle.
//
//	receipt RECEIPT_FILE LEAF_FILE HEX_PUBLIC_KEY
package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"log"
	"os"

	"github.com/fxamacker/cbor/v2"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/veraison/go-cose"
)

type inclusion struct {
	_     struct{} `cbor:",toarray"`
	Size  uint64
	Index uint64
	Path  [][]byte
}

func main() {
	data, err := os.ReadFile(os.Args[1])
	check(err)
	leaf, err := os.ReadFile(os.Args[2])
	check(err)
	key, err := hex.DecodeString(os.Args[3])
	check(err)

	var message cose.Sign1Message
	check(message.UnmarshalCBOR(data))
	if message.Payload != nil {
		log.Fatal("the payload is not detached")
	}
	if vds := message.Headers.Protected[int64(395)]; vds != int64(1) {
		log.Fatalf("not RFC9162_SHA256: %v", vds)
	}
	proofs := message.Headers.Unprotected[int64(396)].(map[any]any)[int64(-1)].([]any)
	var one inclusion
	check(cbor.Unmarshal(proofs[0].([]byte), &one))
	hash := rfc6962.DefaultHasher.HashLeaf(leaf)
	root, err := proof.RootFromInclusionProof(rfc6962.DefaultHasher, one.Index, one.Size, hash, one.Path)
	check(err)

	verifier, err := cose.NewVerifier(cose.AlgorithmEdDSA, ed25519.PublicKey(key))
	check(err)
	message.Payload = root
	check(message.Verify(nil, verifier))
	claims := message.Headers.Protected[int64(15)].(map[any]any)
	fmt.Println(one.Index, one.Size, claims[int64(1)])
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
