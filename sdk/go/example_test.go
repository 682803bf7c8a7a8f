package gatehouse_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"

	gatehouse "github.com/gatehouse/gatehouse/sdk/go"
)

func Example() {
	verifier, err := gatehouse.New(gatehouse.Options{})
	if err != nil {
		log.Fatal(err)
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, _ := gatehouse.ActorFrom(r.Context())
		fmt.Fprintf(w, "Hello %s\n", actor.ID)
	})
	http.Handle("/", gatehouse.RequireActor(verifier)(hello))
	http.Handle("/admin", gatehouse.RequireRole(verifier, gatehouse.Admin, gatehouse.MicroDAOOwner)(hello))
}

func ExampleVerifier_Verify() {
	verifier, err := gatehouse.New(gatehouse.Options{Issuer: "https://auth.example"})
	if err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		actor, err := verifier.Verify(r.Context(), r)
		switch {
		case errors.Is(err, gatehouse.ErrUnauthenticated):
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		case err != nil:
			gatehouse.WriteRefusal(w, err)
		default:
			fmt.Fprintf(w, "Hello %s\n", actor.ID)
		}
	})
}

func ExampleSetRowSecurity() {
	notes := func(ctx context.Context, db *sql.DB, actor *gatehouse.Actor) (count int, err error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return 0, err
		}
		defer func() { _ = tx.Rollback() }() // reading needs no commit
		if err := gatehouse.SetRowSecurity(ctx, tx, actor); err != nil {
			return 0, err
		}
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM notes").Scan(&count)
		return count, err
	}
	_ = notes
}

func ExampleWellFormedKey() {
	fmt.Println(gatehouse.WellFormedKey("dk_00000000000000000000000000000000000000000003xMPgs"))
	fmt.Println(gatehouse.WellFormedKey("dk_00000000000000000000000000000000000000000003xMPgz"))
	// Output:
	// true
	// false
}
