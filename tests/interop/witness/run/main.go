// Runs github.com/transparency-dev/witness on a free port of this machine.
//
//	run SIGNER_KEY LOG_VKEY...
//
// Prints its address, then serves until it is killed.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/witness/persistence/inmemory"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	signer, err := f_note.NewSignerForCosignatureV1(os.Args[1])
	check(err)
	logs := map[string]note.Verifier{}
	for _, vkey := range os.Args[2:] {
		verifier, err := note.NewVerifier(vkey)
		check(err)
		logs[verifier.Name()] = verifier
	}
	judge, err := witness.New(context.Background(), witness.Opts{
		Persistence: inmemory.New(),
		Signers:     []note.Signer{signer},
		VerifierForLog: func(_ context.Context, origin string) (note.Verifier, bool, error) {
			verifier, known := logs[origin]
			return verifier, known, nil
		},
	})
	check(err)
	door, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("http://%s\n", door.Addr())
	http.HandleFunc("/add-checkpoint", witness.NewHTTPHandler(judge).AddCheckpoint)
	check(http.Serve(door, nil))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
