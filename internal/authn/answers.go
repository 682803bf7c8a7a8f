package authn

import "sync/atomic"

// answers keeps the rendered responses of a proof, so that a face encodes the
// same JSON once and not for every request.
type answers struct{ slots [2]atomic.Pointer[[]byte] }

// Slot names one of a face's hot responses.
type Slot int

// The hot responses.
const (
	SlotMe Slot = iota
	SlotIntrospect
)

// Rendered returns the response in the slot, made by render at the first call.
// render must depend on nothing but the proof.
func (v *Verified) Rendered(slot Slot, render func(*Verified) ([]byte, error)) ([]byte, error) {
	if kept := v.answers.slots[slot].Load(); kept != nil {
		return *kept, nil
	}
	made, err := render(v)
	if err == nil {
		v.answers.slots[slot].Store(&made)
	}
	return made, err
}
