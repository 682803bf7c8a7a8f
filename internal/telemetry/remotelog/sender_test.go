package remotelog

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (b *bench) logMany(n int) {
	for i := range n {
		b.log.Info("line", "n", i)
	}
}

func TestABatchGoesOutByAgeOrSize(t *testing.T) {
	tests := []struct {
		name  string
		lines int
		size  int // of each
		after time.Duration
		sent  uint64
	}{
		{"too young", 99, 1, batchAge - time.Millisecond, 0},
		{"old enough", 1, 1, batchAge, 1},
		{"by number", 100, 1, 0, 100},
		{"the rest waits for its age", 150, 1, 0, 100},
		{"by bytes", 30, maxText - 1, 0, 15},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				for range test.lines {
					b.log.Debug("line", "text", strings.Repeat("a", test.size))
				}
				time.Sleep(test.after)
				synctest.Wait()
				if got := b.Sent(); got != test.sent {
					t.Errorf("%d are sent, want %d", got, test.sent)
				}
				b.balance(test.lines)
			})
		})
	}
}

func TestLinesArriveOnceAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.logMany(1234)
		if err := b.Flush(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		for i, e := range b.got() {
			if e.Context["n"] != float64(i) {
				t.Fatalf("entry %d is %v", i, e)
			}
		}
		if b.Sent() != 1234 || len(b.got()) != 1234 {
			t.Errorf("%d are sent and %d have arrived", b.Sent(), len(b.got()))
		}
		if n := b.console.count("jarvis-logs"); n != 0 {
			t.Errorf("all is well, and the console says\n%s", b.console)
		}
	})
}

// Whatever is wrong with jarvis-logs, nothing is lost that fits the queue, the
// console says once that it is away and once that it is back, and lines flow
// again soon after it is well.
func TestOutagesHeal(t *testing.T) {
	status := func(code int) func(*bench) { return func(b *bench) { b.answer(code) } }
	tests := []struct {
		name   string
		breaks func(*bench)
		reason string
	}{
		{"nobody listens", (*bench).down, "connection refused"},
		{"it hangs", func(b *bench) { b.become(hang) }, "no answer within 2s"},
		{"it hangs up", func(b *bench) { b.become(hangUp) }, "EOF"},
		{"500", status(500), "it answers 500"},
		{"502, its storage is away", status(502), "it answers 502"},
		{"401", status(401), "it answers 401: the app id and key are not accepted"},
		{"408", status(408), "it answers 408"},
		{"429", status(429), "it answers 429"},
		{"a redirect is not followed", func(b *bench) {
			b.become(func(w http.ResponseWriter, r *http.Request, _ []entry) bool {
				http.Redirect(w, r, "http://elsewhere/", http.StatusTemporaryRedirect)
				return true
			})
		}, "it answers 307"},
		{"endless header", func(b *bench) {
			b.become(func(w http.ResponseWriter, _ *http.Request, _ []entry) bool {
				w.Header().Set("X", strings.Repeat("x", 32<<10))
				return true
			})
		}, "exceeded"},
	}
	for _, test := range tests {
		aways := []time.Duration{100 * time.Millisecond, time.Minute}
		mayBeTheBatch := strings.HasPrefix(test.reason, "it answers 50")
		if mayBeTheBatch {
			aways = append(aways, giveUpAfter+time.Minute)
		}
		for _, away := range aways {
			t.Run(test.name+" for "+away.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nil)
					test.breaks(b)
					b.logMany(250)
					time.Sleep(batchAge + away)
					if test.reason == "connection refused" {
						b.up()
					}
					b.become(nil)
					b.log.Info("after")
					time.Sleep(6 * time.Second)
					synctest.Wait()
					if b.Sent()+b.Dropped() != 251 {
						t.Fatalf("6 s after it is back, %d are sent and %d dropped\n%s", b.Sent(), b.Dropped(), b.console)
					}
					if gaveUp := b.Dropped() > 0; gaveUp != (mayBeTheBatch && away > giveUpAfter) {
						t.Errorf("%d are dropped", b.Dropped())
					}
					if !strings.Contains(b.console.String(), test.reason) {
						t.Errorf("the console does not say %q:\n%s", test.reason, b.console)
					}
					if lost, back := b.console.count("takes no log lines"), b.console.count("takes log lines again"); lost != 1 || back != 1 {
						t.Errorf("the console says %d times that it is away and %d times that it is back:\n%s", lost, back, b.console)
					}
					if len(b.got()) != int(b.Sent()) {
						t.Errorf("%d have arrived, %d were sent", len(b.got()), b.Sent())
					}
					for _, e := range b.got() {
						if strings.Contains(e.Message, "jarvis-logs") {
							t.Errorf("jarvis-logs is told about itself: %+v", e)
						}
					}
				})
			})
		}
	}
}

func TestPausesGrowAndProbesAreSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.answer(401)
		b.logMany(100)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		requests, probes := b.asked()
		full := len(requests) - probes
		if full < 20 || full > 50 {
			t.Errorf("%d full attempts in 10 minutes: pauses end at 15 to 30 s", full)
		}
		if probes < 150 || probes > 200 {
			t.Errorf("%d probes in 10 minutes: one every 3 s", probes)
		}
		b.balance(100)
	})
}

// When empty batches are welcome and full ones are not, something behind
// jarvis-logs is away. Probing would say nothing new.
func TestProbesStopWhenTheySayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.become(func(w http.ResponseWriter, _ *http.Request, logs []entry) bool {
			if len(logs) > 0 {
				w.WriteHeader(http.StatusBadGateway)
			}
			return len(logs) > 0
		})
		b.logMany(100)
		time.Sleep(5 * time.Minute)
		requests, probes := b.asked()
		if probes != 1 || len(requests) > 30 {
			t.Errorf("%d requests, %d of them probes", len(requests), probes)
		}
		b.become(nil)
		time.Sleep(longestPause)
		synctest.Wait()
		if b.Sent() != 100 {
			t.Errorf("%d are sent %v after it is back", b.Sent(), longestPause)
		}
	})
}

func TestReplicasDoNotComeBackInStep(t *testing.T) {
	s := &sender{failures: 20}
	seen := map[time.Duration]bool{}
	for micro := range 1000 {
		at := time.Unix(1, int64(micro)*1000)
		s.config.Clock = func() time.Time { return at }
		pause := s.backoff()
		if pause < longestPause/2 || pause > longestPause {
			t.Fatalf("pause of %v", pause)
		}
		seen[pause] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d different pauses", len(seen))
	}
}

func TestARefusedBatchIsDroppedAndTheNextIsSent(t *testing.T) {
	for _, status := range []int{400, 403, 404, 413, 422} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.answer(status)
				b.logMany(300)
				time.Sleep(5 * time.Second)
				b.become(nil)
				b.logMany(100)
				time.Sleep(5 * time.Second)
				synctest.Wait()
				if b.Dropped() != 300 || b.Sent() != 100 {
					t.Errorf("%d are dropped and %d sent", b.Dropped(), b.Sent())
				}
				if n := b.console.count("refuses log lines"); n != 1 || b.console.count(strconv.Itoa(status)) == 0 {
					t.Errorf("the console says it %d times:\n%s", n, b.console)
				}
			})
		})
	}
}

func TestRefusalsInARowSlowDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.answer(404)
		b.logMany(maxLines)
		time.Sleep(10 * time.Second)
		if requests, _ := b.asked(); len(requests) > 12 {
			t.Errorf("%d requests in 10 s to somebody who refuses them all", len(requests))
		}
	})
}

func TestCloseDeliversWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.logMany(555)
		if err := b.Close(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		if b.Sent() != 555 {
			t.Errorf("%d are sent", b.Sent())
		}
		b.log.Info("late")
		if b.console.count("late") != 1 {
			t.Error("after Close the console misses a line")
		}
		b.balance(556)
		if err := b.Close(within(t, time.Minute)); err != nil {
			t.Errorf("a second Close: %v", err)
		}
	})
}

func TestCloseTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		failed := false
		b.become(func(w http.ResponseWriter, _ *http.Request, _ []entry) bool {
			if failed {
				return false
			}
			failed = true
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		b.logMany(5)
		if err := b.Close(within(t, 2*time.Second)); err != nil || b.Sent() != 5 {
			t.Errorf("%d are sent: %v", b.Sent(), err)
		}
	})
}

func TestCloseKeepsItsDeadline(t *testing.T) {
	tests := []struct {
		name   string
		behave func(http.ResponseWriter, *http.Request, []entry) bool
		known  time.Duration // how long it has been away before
		most   time.Duration
	}{
		{"it hangs", hang, 0, time.Second},
		{"it hangs, as is known", hang, time.Minute, time.Second},
		{"it is known to fail", hangUp, time.Minute, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				b.become(test.behave)
				b.logMany(500)
				time.Sleep(test.known)
				synctest.Wait()
				began := time.Now()
				err := b.Close(within(t, time.Second))
				if took := time.Since(began); took > test.most {
					t.Errorf("Close took %v", took)
				}
				if err == nil || !strings.HasPrefix(err.Error(), "500 log lines") {
					t.Errorf("Close says %v", err)
				}
				if b.Dropped() != 500 {
					t.Errorf("%d are dropped", b.Dropped())
				}
			})
		})
	}
}

func TestFlushGivesUpWhenAnAttemptFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.answer(500)
		b.logMany(7)
		if err := b.Flush(within(t, time.Minute)); err == nil {
			t.Error("Flush is content")
		}
		if b.Queued() != 7 {
			t.Errorf("%d are queued after a Flush in vain", b.Queued())
		}
		b.become(hang)
		began := time.Now()
		if err := b.Flush(within(t, time.Second)); err == nil || time.Since(began) > time.Second {
			t.Errorf("Flush took %v and says %v", time.Since(began), err)
		}
		b.become(nil)
		time.Sleep(requestTimeout) // of the attempt that still hangs
		if err := b.Flush(within(t, time.Minute)); err != nil || b.Sent() != 7 {
			t.Errorf("%d are sent: %v", b.Sent(), err)
		}
	})
}

func TestAFullQueueKeepsTheNewestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.become(hang)
		const lines = maxLines + 5000
		b.logMany(lines)
		if got := b.Dropped(); got < 4900 || got > 5000 { // a batch may be on its way
			t.Errorf("%d are dropped", got)
		}
		b.balance(lines)
		b.become(nil)
		time.Sleep(10 * time.Second)
		if err := b.Flush(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		got := b.got()
		if last := got[len(got)-1].Context["n"]; last != float64(lines-1) || b.Sent() < maxLines {
			t.Errorf("%d have arrived, the last is number %v", len(got), last)
		}
		if want := "dropped=" + strconv.FormatUint(b.Dropped(), 10); b.console.count(want) != 1 {
			t.Errorf("the console does not say %s", want)
		}
	})
}

func TestTheQueueIsBoundedInBytes(t *testing.T) {
	q := newQueue()
	line := []byte(strings.Repeat("a", maxLine))
	for range 1000 {
		_, _ = q.Write(append(line, '\n'))
	}
	held := 0
	for _, line := range q.ring {
		held += cap(line)
	}
	if held > maxBytes {
		t.Errorf("it holds %d bytes", held)
	}
	if _, _ = q.Write(append(line, 'a')); q.count != maxBytes/(maxLine+perLineBytes) {
		t.Errorf("%d lines wait", q.count)
	}
	if state := q.state(); state.logged != 1001 || state.dropped != 1001-uint64(q.count) {
		t.Errorf("%+v", state)
	}
}

// jarvis-logs asks us about every batch, and we log being asked.
func TestNoBatchIsTheCauseOfAnother(t *testing.T) {
	tests := []struct {
		name    string
		quiet   bool
		path    string
		key     string
		batches int // in a minute, from one line
	}{
		{"marked", true, "/internal/app-ping", testKey, 1},
		{"not marked: once a second, and no more", false, "/internal/app-ping", testKey, 60},
		{"a stranger with our id is logged", true, "/internal/app-ping", "guess", 60},
		{"another path is logged", true, "/internal/users/batch", testKey, 60},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				var house http.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					b.log.With("face", "jarvis").InfoContext(r.Context(), "asked")
				})
				if test.quiet {
					house = b.Quiet(house)
				}
				b.become(func(_ http.ResponseWriter, r *http.Request, _ []entry) bool {
					ping, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, test.path, nil)
					ping.Header.Set("X-Jarvis-App-Id", r.Header.Get("X-Jarvis-App-Id"))
					ping.Header.Set("X-Jarvis-App-Key", test.key)
					house.ServeHTTP(nil, ping)
					return false
				})
				b.log.Info("first")
				time.Sleep(time.Minute + batchAge/2)
				synctest.Wait()
				requests, _ := b.asked()
				if len(requests) != test.batches {
					t.Errorf("%d batches", len(requests))
				}
				if b.console.count("asked") != len(requests) {
					t.Errorf("the console has %d of %d", b.console.count("asked"), len(requests))
				}
			})
		})
	}
}

func TestLocalLinesStayHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.log.InfoContext(Local(context.Background()), "for the console")
		b.log.DebugContext(Local(context.Background()), "for nobody")
		if b.console.count("for the console") != 1 || b.console.count("for nobody") != 0 || b.Queued() != 0 {
			t.Errorf("%d are queued, the console has\n%s", b.Queued(), b.console)
		}
	})
}
