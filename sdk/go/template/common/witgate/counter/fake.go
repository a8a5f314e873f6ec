//go:build !wasip1

package counter

import (
	"math"
	"sync"
)

// Fake is what counts where there is no host, in a test. Time stands still until it is moved.
var Fake Memory

// Memory counts without a host.
type Memory struct {
	mutex    sync.Mutex
	nowMs    uint64
	failure  error
	counters map[string]count
}

type count struct {
	value    uint32
	goneAtMs uint64
}

// Forget makes it as new.
func (m *Memory) Forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.nowMs, m.failure, m.counters = 0, nil, nil
}

// Advance lets time pass.
func (m *Memory) Advance(ms uint32) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.nowMs += uint64(ms)
}

// Fail makes everything fail from now on, as with ErrUnavailable; or work again, with nil.
func (m *Memory) Fail(failure error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.failure = failure
}

func (m *Memory) reading(counter count) Reading {
	return Reading{counter.value, uint32(counter.goneAtMs - m.nowMs)}
}

func add(key string, amount, expiresInMs uint32) (Reading, error) {
	m := &Fake
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.failure != nil {
		return Reading{}, m.failure
	}
	counter := m.counters[key]
	if counter.goneAtMs <= m.nowMs {
		counter = count{goneAtMs: m.nowMs + uint64(expiresInMs)}
	}
	counter.value += min(amount, math.MaxUint32-counter.value)
	if m.counters == nil {
		m.counters = map[string]count{}
	}
	m.counters[key] = counter
	return m.reading(counter), nil
}

func read(key string) (Reading, bool, error) {
	m := &Fake
	m.mutex.Lock()
	defer m.mutex.Unlock()
	counter, there := m.counters[key]
	if m.failure != nil || !there || counter.goneAtMs <= m.nowMs {
		return Reading{}, false, m.failure
	}
	return m.reading(counter), true, nil
}
