package ledgertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unreel/unreel/internal/conversion"
	"github.com/unreel/unreel/internal/store/ledger"
)

const (
	length   = 1000
	metadata = "filename dGFsay5tcDQ=,vbr NA=="
)

func (f *fixture) announced() conversion.ID {
	f.Helper()
	record, err := f.ReceivePieces(f.Context(), upload(ada), length, metadata)
	f.must(err)
	return record.ID
}

func (f *fixture) claimPiece(id conversion.ID, offset int64) ledger.Record {
	f.Helper()
	record, err := f.ClaimPiece(f.Context(), ada, id, offset)
	f.must(err)
	return record
}

func arrived(offset int64) ledger.Arrived {
	return ledger.Arrived{Offset: offset, Place: "a place", Digest: []byte{0, 255, byte(offset)}}
}

func testPieces(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.announced()
	if _, err := f.Get(ctx, ada, id); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("get while receiving: %v, want ErrNotFound", err)
	}
	first := f.claimPiece(id, 0)
	f.must(f.SavePiece(ctx, id, first.Fence, arrived(300)))
	ended, err := f.EndPiece(ctx, id, first.Fence, arrived(400))
	f.must(err)
	want := ledger.Pieces{Length: length, Metadata: metadata, Arrived: arrived(400)}
	for name, got := range map[string]ledger.Record{"returned": ended, "stored": f.peek(id)} {
		if diff := cmp.Diff(want, got.Pieces); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	f.Advance(23 * time.Hour)
	f.expectNothingDue()
	second := f.claimPiece(id, 400)
	accepted, err := f.AcceptPieces(ctx, id, second.Fence, digest)
	f.must(err)
	if accepted.Status != conversion.Queued || accepted.Video.Size != length || accepted.Video.SHA256 != digest || accepted.Pieces.Offset != length {
		t.Errorf("accepted: %+v", accepted)
	}
	if got, err := f.GetUpload(ctx, ada, id); err != nil || got.Pieces.Metadata != metadata {
		t.Errorf("once it is complete: %+v, %v", got.Pieces, err)
	}
	f.expectDue(id, ledger.WakeConverter)
	f.claim(id)
}

// testPieceClaims has nobody but the holder of the newest claim say anything about an upload.
func testPieceClaims(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.announced()
	for name, try := range map[string]struct {
		owner  string
		offset int64
		want   error
	}{
		"another's":     {brendan, 0, ledger.ErrNotFound},
		"ahead":         {ada, 1, ledger.ErrOffset},
		"at its length": {ada, length, ledger.ErrOffset},
	} {
		if _, err := f.ClaimPiece(ctx, try.owner, id, try.offset); !errors.Is(err, try.want) {
			t.Errorf("claim of what is %s: %v, want %v", name, err, try.want)
		}
	}
	first := f.claimPiece(id, 0)
	f.Advance(f.Config().PieceLease - time.Second)
	f.must(f.KeepPiece(ctx, id, first.Fence))
	f.Advance(f.Config().PieceLease - time.Second)
	if _, err := f.ClaimPiece(ctx, ada, id, 0); !errors.Is(err, ledger.ErrHeld) {
		t.Errorf("claim of what is held: %v, want ErrHeld", err)
	}
	f.must(f.SavePiece(ctx, id, first.Fence, arrived(300)))
	f.Advance(f.Config().PieceLease + time.Second)
	f.must(f.SavePiece(ctx, id, first.Fence, arrived(350))) // late, but nobody else has come
	f.Advance(f.Config().PieceLease + time.Second)
	second := f.claimPiece(id, 350)
	f.wantStalePiece(id, first.Fence)
	f.must(f.SavePiece(ctx, id, second.Fence, arrived(500)))
	for _, offset := range []int64{499, length, length + 1} {
		if err := f.SavePiece(ctx, id, second.Fence, arrived(offset)); !errors.Is(err, ledger.ErrOffset) {
			t.Errorf("saved %d behind 500 of %d: %v, want ErrOffset", offset, length, err)
		}
	}
	_, err := f.EndPiece(ctx, id, second.Fence, arrived(500))
	f.must(err)
	f.wantStalePiece(id, second.Fence)
	third := f.claimPiece(id, 500)
	_, err = f.AcceptPieces(ctx, id, third.Fence, digest)
	f.must(err)
	f.wantStalePiece(id, third.Fence)
	if _, err := f.ClaimPiece(ctx, ada, id, length); !errors.Is(err, ledger.ErrOffset) {
		t.Errorf("claim of what is complete: %v, want ErrOffset", err)
	}
}

// wantStalePiece wants nobody with this fence to be heard.
func (f *fixture) wantStalePiece(id conversion.ID, fence int64) {
	f.Helper()
	ctx := f.Context()
	_, ended := f.EndPiece(ctx, id, fence, arrived(600))
	_, accepted := f.AcceptPieces(ctx, id, fence, digest)
	for name, err := range map[string]error{
		"keep": f.KeepPiece(ctx, id, fence), "save": f.SavePiece(ctx, id, fence, arrived(600)), "end": ended, "accept": accepted,
	} {
		if !errors.Is(err, ledger.ErrStale) {
			f.Errorf("%s under an old claim: %v, want ErrStale", name, err)
		}
	}
}

func testPieceRace(t *testing.T, f *fixture) {
	id := f.announced()
	var racing sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		racing.Go(func() { _, errs[i] = f.ClaimPiece(context.WithoutCancel(t.Context()), ada, id, 0) })
	}
	racing.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, ledger.ErrHeld) {
			t.Errorf("lost with %v, want ErrHeld", err)
		}
	}
	if won != 1 {
		t.Errorf("%d claims at once", won)
	}
}

func testUploadExpires(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.announced()
	for range 3 {
		f.Advance(f.Config().UploadLife - time.Minute)
		claim := f.claimPiece(id, f.peek(id).Pieces.Offset)
		_, err := f.EndPiece(ctx, id, claim.Fence, arrived(claim.Pieces.Offset+10))
		f.must(err)
	}
	f.expectNothingDue()
	f.Advance(f.Config().UploadLife + time.Second)
	if _, err := f.ClaimPiece(ctx, ada, id, 30); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("claim of what has expired: %v, want ErrNotFound", err)
	}
	f.expectDue(id, ledger.WakeNobody)
	f.expectStatus(id, conversion.Deleted)
	if _, err := f.GetUpload(ctx, ada, id); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("get what has expired: %v, want ErrNotFound", err)
	}
	f.Advance(f.Config().Grace + time.Second)
	if doomed, err := f.Doomed(ctx, nil, 10); err != nil || len(doomed) != 1 || doomed[0].ID != id {
		t.Errorf("doomed: %+v, %v, want the upload", doomed, err)
	}
}

func testTerminate(t *testing.T, f *fixture) {
	ctx := t.Context()
	unfinished, complete := f.announced(), f.announced()
	held := f.claimPiece(unfinished, 0)
	claim := f.claimPiece(complete, 0)
	_, err := f.AcceptPieces(ctx, complete, claim.Fence, digest)
	f.must(err)
	for _, id := range []conversion.ID{unfinished, complete} {
		if _, err := f.Terminate(ctx, brendan, id); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("by another: %v, want ErrNotFound", err)
		}
		_, err := f.Terminate(ctx, ada, id)
		f.must(err)
		f.expectStatus(id, conversion.Deleted)
		if _, err := f.Terminate(ctx, ada, id); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("twice: %v, want ErrNotFound", err)
		}
	}
	f.wantStalePiece(unfinished, held.Fence)
	if _, err := f.Terminate(ctx, ada, f.queued()); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("of what came whole: %v, want ErrNotFound", err)
	}
}

// testPiecesApart keeps what is for videos that come whole from those in pieces, and the other way round.
func testPiecesApart(t *testing.T, f *fixture) {
	ctx := t.Context()
	pieces, whole := f.announced(), f.receive(upload(ada))
	_, accepted := f.Accept(ctx, pieces, length, digest)
	for name, err := range map[string]error{"keep": f.KeepReceiving(ctx, pieces), "accept": accepted} {
		if !errors.Is(err, ledger.ErrStale) {
			t.Errorf("%s of pieces: %v, want ErrStale", name, err)
		}
	}
	_, claimed := f.ClaimPiece(ctx, ada, whole, 0)
	_, got := f.GetUpload(ctx, ada, whole)
	for name, err := range map[string]error{"claim": claimed, "get": got} {
		if !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("%s of what comes whole: %v, want ErrNotFound", name, err)
		}
	}
	f.wantStalePiece(whole, f.peek(whole).Fence)
}

// testPiecesRecover starts the only process again while a piece is on its way.
func testPiecesRecover(t *testing.T, f *fixture) {
	ctx := t.Context()
	id := f.announced()
	claim := f.claimPiece(id, 0)
	f.must(f.SavePiece(ctx, id, claim.Fence, arrived(300)))
	f.must(f.Recover(ctx))
	f.expectNothingDue()
	f.claimPiece(id, 300)
}
