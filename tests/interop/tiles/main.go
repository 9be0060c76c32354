// Checks a member's whole log from its tiles with github.com/transparency-dev/tessera and
// github.com/transparency-dev/merkle.
//
//	tiles PREFIX_URL LOG_VKEY EARLIER_SIZE EARLIER_ROOT_BASE64
//
// Tessera's fsck recomputes root and tiles from the entries; its client builds proofs from tiles
// alone, and merkle verifies inclusion of every entry and consistency with an earlier checkpoint.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"net/url"
	"os"
	"strconv"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	ctx := context.Background()
	prefix, err := url.Parse(os.Args[1])
	check(err)
	verifier, err := note.NewVerifier(os.Args[2])
	check(err)
	earlier, err := strconv.ParseUint(os.Args[3], 10, 64)
	check(err)
	earlierRoot, err := base64.StdEncoding.DecodeString(os.Args[4])
	check(err)
	fetcher, err := client.NewHTTPFetcher(prefix, nil)
	check(err)

	check(fsck.New(verifier.Name(), verifier, fetcher, leafHashes, fsck.Opts{N: 2}).Check(ctx))

	checkpoint, _, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, verifier.Name())
	check(err)
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, fetcher.ReadTile)
	check(err)
	var bundle api.EntryBundle
	for index := uint64(0); index < checkpoint.Size; index++ {
		if index%256 == 0 {
			bundle, err = client.GetEntryBundle(ctx, fetcher.ReadEntryBundle, index/256, checkpoint.Size)
			check(err)
		}
		leaf := rfc6962.DefaultHasher.HashLeaf(bundle.Entries[index%256])
		path, err := builder.InclusionProof(ctx, index)
		check(err)
		check(proof.VerifyInclusion(rfc6962.DefaultHasher, index, checkpoint.Size, leaf, path, checkpoint.Hash))
	}
	path, err := builder.ConsistencyProof(ctx, earlier, checkpoint.Size)
	check(err)
	check(proof.VerifyConsistency(rfc6962.DefaultHasher, earlier, checkpoint.Size, path, earlierRoot, checkpoint.Hash))
	fmt.Println("included", checkpoint.Size, "consistent with", earlier)
}

func leafHashes(raw []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range bundle.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
