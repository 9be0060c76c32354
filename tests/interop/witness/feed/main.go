// Feeds a witness with the HTTP client of github.com/transparency-dev/witness, whose proofs
// github.com/transparency-dev/tessera builds from the log's tiles.
//
//	feed LOG_PREFIX_URL LOG_VKEY WITNESS_URL WITNESS_VKEY
//
// Prints the size the witness had, then the size it cosigned.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"

	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera/client"
	w_http "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	ctx := context.Background()
	prefix, err := url.Parse(os.Args[1])
	check(err)
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	address, err := url.Parse(os.Args[3])
	check(err)
	cosigner, err := f_note.NewVerifierForCosignatureV1(os.Args[4])
	check(err)
	fetcher, err := client.NewHTTPFetcher(prefix, nil)
	check(err)
	checkpoint, raw, opened, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, verifier.Name())
	check(err)

	asked := w_http.NewWitness(address, http.DefaultClient)
	lines, size, err := asked.Update(ctx, 0, raw, nil)
	if errors.Is(err, witness.ErrCheckpointStale) {
		builder, failed := client.NewProofBuilder(ctx, checkpoint.Size, fetcher.ReadTile)
		check(failed)
		path, failed := builder.ConsistencyProof(ctx, size, checkpoint.Size)
		check(failed)
		lines, _, err = asked.Update(ctx, size, raw, path)
	}
	check(err)
	_, err = note.Open(append([]byte(opened.Text+"\n"), lines...), note.VerifierList(cosigner))
	check(err)
	fmt.Println(size, checkpoint.Size)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
