//! `readiness calls` over a shop whose pages call its server in the ways that pages do.

use std::collections::BTreeMap;

use serde_json::Value;

fn calls(arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_readiness"));
    let output = command.args(["calls", "fixtures/calls/shop"]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_call_is_listed_where_its_address_is_given_with_where_it_lands() {
    insta::assert_snapshot!(calls(&[]), @r"
    web/client.ts  3 calls: 2 matched, 1 method-mismatch
      GET     /api/orders     matched          /api/orders/         line 8
      PUT     /api/orders/{}  matched          /api/orders/{id}     line 12
      DELETE  /api/orders/{}  method-mismatch  candidate: send PUT  line 16

    web/pages/orders.tsx  10 calls: 5 matched, 1 stub, 2 path-mismatch, 1 external, 1 dynamic
      GET   http://localhost:3000/api/orders          matched        /api/orders/                                                                line 6
      GET   http://localhost:3000/api/orders/{}/line  path-mismatch  candidate: ask for `/api/orders/{}/lines` instead of `/api/orders/{}/line`  line 7
      GET   http://localhost:3000/api/orders/report   stub           /api/orders/report                                                          line 8
      POST  http://localhost:3000/api/orders          matched        /api/orders/                                                                line 11
      PUT   http://localhost:3000/api/orders/{}       matched        /api/orders/{id}                                                            line 11
      POST  /api/orders                               matched        /api/orders/                                                                line 13
      GET   /health                                   matched        /health                                                                     line 14
      GET   https://maps.example.com/tiles/1          external                                                                                   line 15
      GET   http://localhost:3000/api/orders/newest   path-mismatch  candidate: ask for `/api/orders/{}` instead of `/api/orders/newest`         line 16
      GET   {}                                        dynamic                                                                                    line 18

    13 calls: 7 matched, 1 stub, 1 method-mismatch, 2 path-mismatch, 1 external, 1 dynamic in 2 files
    7 of 13 matched
      by method
        DELETE  0 of 1
        GET     3 of 8
        POST    2 of 2
        PUT     2 of 2
      by module
        web  7 of 13
    ");
}

#[test]
fn the_way_of_a_call_leads_from_the_address_to_the_route() {
    insta::assert_snapshot!(calls(&["--explain", "web/pages/orders.tsx:7"]), @r"
    GET http://localhost:3000/api/orders/{}/line  path-mismatch
      web/pages/orders.tsx:7  the address is given
      web/http.js:5  sent by fetch
      server/app.js:10  a candidate is /api/orders/{id}/lines: ask for `/api/orders/{}/lines` instead of `/api/orders/{}/line`
    ");
}

fn count_of(length: usize) -> Option<u64> {
    u64::try_from(length).ok()
}

#[test]
fn statistics_add_up() {
    let table = calls(&[]);
    let mut ending = table.lines().skip_while(|line| !line.starts_with(char::is_numeric));
    let total = ending.next().unwrap();
    let (count, by_status) = total.split_once(" calls: ").unwrap();
    let of = |part: &str| part.split(' ').next().unwrap().parse::<usize>().unwrap();
    let by_status = by_status.rsplit_once(" in ").unwrap().0;
    assert_eq!(of(count), by_status.split(", ").map(of).sum::<usize>(), "{total}");

    let data: Value = serde_json::from_str(&calls(&["-f", "json"])).unwrap();
    let listed = data["calls"].as_array().unwrap();
    assert_eq!(listed.len(), of(count));
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for call in listed {
        *found.entry(call["status"].as_str().unwrap()).or_default() += 1;
        // A route is named exactly where one answers, a candidate only where none does.
        let answered = matches!(call["status"].as_str(), Some("matched" | "stub"));
        assert_eq!(answered, !call["route"].is_null(), "{call}");
        assert!(!answered || call["nearest"].is_null(), "{call}");
    }
    for part in by_status.split(", ") {
        let (count, status) = part.split_once(' ').unwrap();
        assert_eq!(found.remove(status), count.parse().ok(), "{part}");
    }
    assert!(found.is_empty(), "{found:?}");

    // The statistics say the same, and each of their lists adds up to the whole.
    let said = &data["statistics"];
    let matched = listed.iter().filter(|call| call["status"] == "matched").count();
    assert_eq!(
        (said["total"].as_u64(), said["matched"].as_u64()),
        (count_of(listed.len()), count_of(matched))
    );
    assert_eq!(ending.next(), Some(format!("{matched} of {} matched", listed.len()).as_str()));
    for list in ["by_status", "by_method", "by_module", "by_file"] {
        let shares = said[list].as_array().unwrap();
        let sum = |key: &str| shares.iter().filter_map(|share| share[key].as_u64()).sum::<u64>();
        assert_eq!(Some(sum("total")), said["total"].as_u64(), "{list}");
        assert!(list == "by_status" || Some(sum("matched")) == said["matched"].as_u64(), "{list}");
    }
}
