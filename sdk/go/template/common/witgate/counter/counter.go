// Package counter has atomic counters with expiry, shared by all instances of a plugin within one tenant (grant
// `counter`). The world has to import `witgate:counter/counter@0.1.0`. In a test they are those of Fake.
package counter

import "errors"

// Reading is what a counter holds.
type Reading struct {
	// The count, this addition included. Stays at the largest value rather than wrapping.
	Value uint32
	// Milliseconds until the counter is gone.
	ExpiresInMs uint32
}

var (
	// ErrQuota says that the plugin's quota of keys, or a key's length limit (256 bytes), is used up.
	ErrQuota = errors.New("the quota of counters is used up")
	// ErrUnavailable says that the store did not answer in time. Nothing is known about the count.
	ErrUnavailable = errors.New("the counters are unavailable")
)

// Add adds to a counter and returns what it then holds. One that does not exist starts at 0 and lives expiresInMs from
// now; an addition to one that exists does not prolong it.
func Add(key string, amount, expiresInMs uint32) (Reading, error) {
	return add(key, amount, expiresInMs)
}

// Read returns what a counter holds, and whether there is one.
func Read(key string) (reading Reading, there bool, err error) { return read(key) }
