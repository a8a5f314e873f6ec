//go:build wasip1

package counter

import host "policy/gen/witgate_counter_counter"

func add(key string, amount, expiresInMs uint32) (Reading, error) {
	result := host.Add(key, amount, expiresInMs)
	if result.IsErr() {
		return Reading{}, failure(result.Err())
	}
	return Reading(result.Ok()), nil
}

func read(key string) (Reading, bool, error) {
	result := host.Read(key)
	if result.IsErr() {
		return Reading{}, false, failure(result.Err())
	}
	reading, there := result.Ok().Get()
	return Reading(reading), there, nil
}

func failure(why host.CounterError) error {
	if why == host.CounterErrorQuota {
		return ErrQuota
	}
	return ErrUnavailable
}
