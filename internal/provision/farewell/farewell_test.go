package farewell

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse/gatehouse/internal/gate"
	"github.com/gatehouse/gatehouse/internal/secret"
)

func TestWhoIsToldAndWhoCanSayNo(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []int // 0 is a service that is off
		want    error
		told    int
	}{
		{name: "nobody to tell"},
		{name: "both let go", answers: []int{204, 200}, told: 2},
		{name: "one knows nothing of it", answers: []int{404, 204}, told: 2},
		{name: "one is off", answers: []int{0, 204}, told: 1},
		{name: "one will not", answers: []int{500, 204}, want: gate.ErrFarewell, told: 1},
		{name: "one sends us elsewhere", answers: []int{307}, want: gate.ErrFarewell, told: 1},
		{name: "one does not know us", answers: []int{401}, want: gate.ErrFarewell, told: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := 0
			urls := []string{""}
			for _, status := range tt.answers {
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					told++
					if r.Method != http.MethodDelete || r.URL.Path != "/api/v0/me/data" || r.Header.Get("Authorization") != "Bearer her token" {
						t.Errorf("%s %s as %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
					}
					w.Header().Set("Location", "http://192.0.2.1/")
					w.WriteHeader(status)
				}))
				defer server.Close()
				urls = append(urls, server.URL+"/")
				if status == 0 {
					server.Close()
				}
			}
			peers := New(urls...)
			err := peers.RemoveData(context.Background(), secret.NewText("her token"))
			if !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) || told != tt.told || peers.Any() != (len(tt.answers) > 0) {
				t.Errorf("got %v after telling %d, want %v after %d", err, told, tt.want, tt.told)
			}
		})
	}
}
