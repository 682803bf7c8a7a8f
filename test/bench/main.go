//go:build unix

// Command bench measures Gatehouse against the bare machine and prints ratios:
// every figure is taken in one run, on one machine, right beside what it is
// compared with, in rounds that take turns. The absolute rates are shown so that
// the ratios can be judged; they say nothing about another machine.
//
//	make bench
//	go run ./test/bench -only refresh -for 5s
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// row is one line of the result.
type row struct {
	what  string
	ours  string
	bare  string
	ratio float64
	goal  string
	met   bool
}

// measurement fills rows; it may start and stop servers.
type measurement struct {
	name string
	run  func(*bench) ([]row, error)
}

type bench struct {
	binary  string // the program under test
	folder  string // for databases and keys
	each    time.Duration
	rounds  int
	clients int
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		serveBare()
		return
	}
	b := &bench{}
	only := flag.String("only", "", "comma-separated: footprint, hot, keys, actors, logs, login, refresh")
	flag.DurationVar(&b.each, "for", 2*time.Second, "length of one round")
	flag.IntVar(&b.rounds, "rounds", 5, "rounds of each side; the median counts")
	flag.IntVar(&b.clients, "clients", 32, "connections that ask at once")
	flag.Parse()
	if err := b.all(*only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) all(only string) error {
	folder, err := os.MkdirTemp("", "gatehouse-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b.folder, b.binary = folder, filepath.Join(folder, "gatehouse")
	if err := buildProgram(b.binary); err != nil {
		return err
	}
	fmt.Printf("%-44s %14s %14s %7s  %-8s\n", "", "gatehouse", "bare", "ratio", "goal")
	missed := 0
	for _, m := range []measurement{{"footprint", footprint}, {"hot", hot}, {"keys", keys}, {"actors", actors}, {"logs", logs}, {"login", logins}, {"refresh", refreshes}} {
		if only != "" && !slices.Contains(strings.Split(only, ","), m.name) {
			continue
		}
		rows, err := m.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range rows {
			ratio, mark := "", ""
			if r.ratio > 0 {
				ratio = fmt.Sprintf("%.2f", r.ratio)
			}
			if !r.met {
				mark, missed = "missed", missed+1
			}
			fmt.Printf("%-44s %14s %14s %7s  %-8s %s\n", r.what, r.ours, r.bare, ratio, r.goal, mark)
		}
	}
	if missed > 0 {
		fmt.Printf("\n%d goals missed; docs/performance.md says why.\n", missed)
	}
	return nil
}

// against measures two sides in turns and compares their medians.
func (b *bench) against(what string, goal float64, ours, bare func(time.Duration) (float64, error)) (row, error) {
	var left, right []float64
	for range b.rounds {
		for _, side := range []struct {
			rate func(time.Duration) (float64, error)
			into *[]float64
		}{{bare, &right}, {ours, &left}} {
			rate, err := side.rate(b.each)
			if err != nil {
				return row{}, err
			}
			*side.into = append(*side.into, rate)
		}
	}
	o, r := median(left), median(right)
	return row{
		what: what, ours: fmt.Sprintf("%.0f/s", o), bare: fmt.Sprintf("%.0f/s", r), ratio: o / r,
		goal: fmt.Sprintf(">= %.2f", goal), met: o/r >= goal,
	}, nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
