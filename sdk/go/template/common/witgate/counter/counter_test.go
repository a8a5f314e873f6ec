package counter

import "testing"

func TestAWindowOpensAtItsFirstCallAndIsNotProlonged(t *testing.T) {
	Fake.Forget()
	expect := func(want Reading, got Reading, err error) {
		t.Helper()
		if err != nil || got != want {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	gone := func() {
		t.Helper()
		if reading, there, err := Read("k"); there || err != nil {
			t.Errorf("%v, %v, %v, want none", reading, there, err)
		}
	}
	gone()
	reading, err := Add("k", 1, 100)
	expect(Reading{1, 100}, reading, err)
	Fake.Advance(60)
	reading, err = Add("k", 2, 100)
	expect(Reading{3, 40}, reading, err)
	reading, there, err := Read("k")
	expect(Reading{3, 40}, reading, err)
	if !there {
		t.Error("it is not there")
	}
	Fake.Advance(40)
	gone()
	reading, err = Add("k", 1<<32-1, 100)
	expect(Reading{1<<32 - 1, 100}, reading, err)
	reading, err = Add("k", 1, 100)
	expect(Reading{1<<32 - 1, 100}, reading, err)
	Fake.Fail(ErrUnavailable)
	if _, err := Add("k", 1, 100); err != ErrUnavailable {
		t.Errorf("%v, want %v", err, ErrUnavailable)
	}
	if _, _, err := Read("k"); err != ErrUnavailable {
		t.Errorf("%v, want %v", err, ErrUnavailable)
	}
}
