package authn

import "sync/atomic"

// answers keeps the rendered responses of a proof, so that a face encodes the
// same JSON once and not for every request.
type answers struct{ slots [3]atomic.Pointer[[]byte] }

// Slot names one of a face's hot responses.
type Slot int

// The hot responses.
const (
	SlotMe         Slot = iota // to who presented the credential
	SlotIntrospect             // to somebody else who asks about it
	SlotActor                  // to who asks which principal presented it
)

// Rendered returns the response in the slot, made by render at the first call.
// render must depend on nothing but the proof.
func (v *Verified) Rendered(slot Slot, render func(*Verified) ([]byte, error)) ([]byte, error) {
	return rendered(&v.answers, slot, v, render)
}

// Rendered is Verified.Rendered for an app.
func (v *VerifiedApp) Rendered(slot Slot, render func(*VerifiedApp) ([]byte, error)) ([]byte, error) {
	return rendered(&v.answers, slot, v, render)
}

// Rendered is Verified.Rendered for a node, let in or not.
func (v *NodeVerdict) Rendered(slot Slot, render func(*NodeVerdict) ([]byte, error)) ([]byte, error) {
	return rendered(&v.answers, slot, v, render)
}

func rendered[T any](kept *answers, slot Slot, proof T, render func(T) ([]byte, error)) ([]byte, error) {
	if made := kept.slots[slot].Load(); made != nil {
		return *made, nil
	}
	made, err := render(proof)
	if err == nil {
		kept.slots[slot].Store(&made)
	}
	return made, err
}
