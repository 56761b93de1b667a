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
    desk/templates/desk.html  2 calls: 2 matched
      POST  /desk/tickets/3/close  matched  /desk/tickets/{ticket}/close  line 2
      GET   /desk/tickets/         matched  /desk/tickets/                line 4

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

    web/shipping/api.ts  6 calls: 1 matched, 2 path-mismatch, 3 missing
      GET   http://localhost:3000/api/shipping/parcels     missing                                                                                    line 4
      GET   http://localhost:3000/api/shipping/parcels/{}  missing                                                                                    line 5
      POST  http://localhost:3000/api/shipping/parcels/{}  missing                                                                                    line 6
      GET   http://localhost:3000/api/order/{}/lines       path-mismatch  candidate: ask for `/api/orders/{}/lines` instead of `/api/order/{}/lines`  line 9
      GET   http://localhost:3000/api/order/{}             path-mismatch  candidate: ask for `/api/orders/{}` instead of `/api/order/{}`              line 10
      GET   /support/tickets/                              matched        /desk/tickets/                                                              line 13

    21 calls: 10 matched, 1 stub, 1 method-mismatch, 4 path-mismatch, 3 missing, 1 external, 1 dynamic in 4 files
    10 of 21 matched
      by method
        DELETE  0 of 1
        GET     5 of 14
        POST    3 of 4
        PUT     2 of 2
      by module
        desk  2 of 2
        web   8 of 19
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

fn contract(arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_readiness"));
    let output =
        command.args(["contract", "fixtures/calls/shop"]).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_contract_tells_who_calls_each_route_and_what_does_not_fit_by_cause() {
    insta::assert_snapshot!(contract(&[]), @r"
    desk/app.py  3 routes: 3 frontend
      GET   /desk/                        frontend  a page or a link names it
      GET   /desk/tickets/                frontend  desk/templates/desk.html:4 and 1 more
      POST  /desk/tickets/{ticket}/close  frontend  desk/templates/desk.html:2

    server/app.js  7 routes: 6 frontend, 1 nobody
      GET   /api/orders/            frontend  web/client.ts:8 and 1 more
      POST  /api/orders/            frontend  web/pages/orders.tsx:11 and 1 more
      GET   /api/orders/report      frontend  web/pages/orders.tsx:8
      GET   /api/orders/{id}        frontend  a page or a link names it
      PUT   /api/orders/{id}        frontend  web/client.ts:12 and 1 more
      GET   /api/orders/{id}/lines  nobody
      GET   /health                 frontend  web/pages/orders.tsx:14

    10 routes: 9 frontend, 1 nobody in 2 files

    missing: 3 calls use `/api/shipping`, the backend serves nothing below it
      web/shipping/api.ts:4  GET
      web/shipping/api.ts:5  GET
      web/shipping/api.ts:6  POST
      pages: /shipping (web/shipping/Parcels.tsx)
    path-mismatch: 2 calls use `/api/order`, the backend serves `/api/orders`
      web/shipping/api.ts:9  GET
      web/shipping/api.ts:10  GET
      candidate: write `/api/orders` for `/api/order`
      pages: /shipping (web/shipping/Parcels.tsx)
    stub: 1 call lands on GET `/api/orders/report`, which is a stub: it says that it is not implemented
      web/pages/orders.tsx:8  GET
      pages: /orders/{id} (web/pages/orders.tsx)
    method-mismatch: 1 call sends DELETE to `/api/orders/{id}`, which answers PUT
      web/client.ts:16  DELETE
      candidate: send PUT, or serve DELETE
    path-mismatch: 1 call uses `/api/orders/{}/line`, the backend serves `/api/orders/{}/lines`
      web/pages/orders.tsx:7  GET
      candidate: write `/api/orders/{}/lines` for `/api/orders/{}/line`
      pages: /orders/{id} (web/pages/orders.tsx)
    path-mismatch: 1 call uses `/api/orders/newest`, the backend serves `/api/orders/{}`
      web/pages/orders.tsx:16  GET
      candidate: write `/api/orders/{}` for `/api/orders/newest`
      pages: /orders/{id} (web/pages/orders.tsx)

    6 issues: 9 calls that fit no route
    ");
}

#[test]
fn every_call_that_does_not_fit_is_in_one_cluster_and_every_other_on_its_route() {
    let contract: Value = serde_json::from_str(&contract(&["-f", "json"])).unwrap();
    let listed: Value = serde_json::from_str(&calls(&["-f", "json"])).unwrap();
    let place = |call: &Value| format!("{} {}:{}", call["method"], call["file"], call["line"]);
    let of = |lists: &Value| -> Vec<String> {
        let lists = lists.as_array().unwrap().iter();
        let mut places: Vec<_> =
            lists.flat_map(|list| list["calls"].as_array().unwrap()).map(place).collect();
        places.sort();
        places
    };
    let with = |statuses: &[&str]| -> Vec<String> {
        let calls = listed["calls"].as_array().unwrap().iter();
        let kept = calls.filter(|call| statuses.contains(&call["status"].as_str().unwrap()));
        let mut places: Vec<_> = kept.map(place).collect();
        places.sort();
        places
    };
    let broken = with(&["stub", "missing", "path-mismatch", "method-mismatch"]);
    assert_eq!(of(&contract["clusters"]), broken);
    assert_eq!(of(&contract["routes"]), with(&["matched", "stub"]));
}
