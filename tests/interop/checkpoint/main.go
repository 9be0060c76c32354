// Opens a member's checkpoint with golang.org/x/mod/sumdb/note and github.com/transparency-dev/formats.
//
//	checkpoint URL LOG_VKEY COSIGNER_VKEY...
//
// Prints the origin, size and root, and a line for each signature that verified; cosignatures with
// their time in seconds.
package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	response, err := http.Get(os.Args[1])
	check(err)
	raw, err := io.ReadAll(response.Body)
	check(err)
	logVerifier, err := note.NewVerifier(os.Args[2])
	check(err)
	var cosigners []note.Verifier
	for _, vkey := range os.Args[3:] {
		cosigner, err := f_note.NewVerifierForCosignatureV1(vkey)
		check(err)
		cosigners = append(cosigners, cosigner)
	}

	// The standard library's own reader, which knows nothing of checkpoints.
	opened, err := note.Open(raw, note.VerifierList(append(cosigners, logVerifier)...))
	check(err)
	checkpoint, rest, same, err := f_log.ParseCheckpoint(raw, logVerifier.Name(), logVerifier, cosigners...)
	check(err)
	if len(rest) != 0 || len(same.Sigs) != len(opened.Sigs) || len(opened.UnverifiedSigs) != 0 {
		log.Fatalf("%d bytes beside the checkpoint, %d unverified lines", len(rest), len(opened.UnverifiedSigs))
	}
	fmt.Println(checkpoint.Origin, checkpoint.Size, base64.StdEncoding.EncodeToString(checkpoint.Hash))
	for _, signature := range opened.Sigs {
		if signature.Hash == logVerifier.KeyHash() {
			fmt.Println("log", signature.Name)
			continue
		}
		at, err := f_note.CoSigV1Timestamp(signature)
		check(err)
		fmt.Println("cosigned", signature.Name, at.Unix())
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
