# SPDX-License-Identifier: Apache-2.0
"""gridd on a real Postgres: what devices write is there in plain SQL, and whatever befalls the server, nothing that was
acknowledged is lost and everything drains afterwards."""
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

import harness
import load
import postgres

ROUNDS = int(os.environ.get("GRID_POSTGRES_ROUNDS", "12"))

LIVE = "select key from grid_default.live where map = 'load'"


class Rows(postgres.PostgresTest):
    def put(self, gateway, key, value):
        self.gridctl("--store", self.path("a"), "--target", gateway.url, "put", "climate", key, value)

    def live(self):
        return self.postgres.query("select key, value from grid_default.live where map = 'climate' order by key")

    def test_what_a_device_writes_is_there_in_plain_sql(self):
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 21.5}')
        self.put(gateway, "barn", '{"temp": 4}')
        self.wait_for_drained(gateway)
        self.assertEqual(self.live(), 'barn|{"temp": 4}\nshed|{"temp": 21.5}')
        self.gridctl("--store", self.path("a"), "--target", gateway.url, "rm", "climate", "barn")
        self.wait_for_drained(gateway)
        self.assertEqual(self.live(), 'shed|{"temp": 21.5}')
        self.assertEqual(gateway.stop(), 0, gateway.errors)

    def test_a_server_that_is_not_there_at_the_start_is_waited_for(self):
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 1}')
        self.wait_for_drained(gateway)
        gateway.stop()
        self.postgres.stop()
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 2}')
        state = harness.wait_until(lambda: (lambda one: one["sink"] == "busy" and one)(self.state_of(gateway)), "busy")
        self.assertIn("can't connect", state["sink_problem"])
        self.assertGreater(state["queue_cells"], 0)
        self.postgres.start()
        self.wait_for_drained(gateway)
        self.assertEqual(self.live(), 'shed|{"temp": 2}')
        self.assertEqual(self.state_of(gateway)["queue_cells"], 0)

    def test_an_app_without_a_past_needs_its_database_first(self):
        self.postgres.stop()
        gateway = self.gateway()
        failed = self.run_gridctl("--store", self.path("a"), "--target", gateway.url, "sync")
        self.assertNotEqual(failed.code, 0)
        harness.wait_until(lambda: any("must be loaded first" in line for line in gateway.errors), "the reason")
        self.postgres.start()
        here = ("--store", self.path("a"), "--target", gateway.url)
        harness.wait_until(lambda: self.run_gridctl(*here, "sync").code == 0, "the app opens")
        self.put(gateway, "shed", '{"temp": 1}')
        self.wait_for_drained(gateway)

    def test_a_database_that_outlived_its_journal_is_loaded(self):
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 1}')
        self.wait_for_drained(gateway)
        gateway.stop()
        gateway = self.gateway(data="another")
        self.put(gateway, "barn", '{"temp": 2}')
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "climate", "shed").strip(), '{"temp":1}')
        self.wait_for_drained(gateway)
        self.assertEqual(self.live(), 'barn|{"temp": 2}\nshed|{"temp": 1}')

    # PROTOCOL P27
    def test_a_second_gateway_is_told_who_writes_and_takes_over_when_that_one_is_gone(self):
        first = self.gateway()
        self.put(first, "shed", '{"temp": 1}')
        self.wait_for_drained(first)
        second = self.gateway(data="another")
        failed = self.run_gridctl("--store", self.path("b"), "--target", second.url, "sync")
        self.assertNotEqual(failed.code, 0)
        said = harness.wait_until(lambda: [line for line in second.errors if "another writer" in line], "who writes")
        self.assertIn("application gridd default from", said[0])
        first.stop(signal.SIGKILL)
        harness.wait_until(lambda: self.run_gridctl("--target", second.url, "get", "climate", "shed").code == 0,
                           "the second has the lock, and the rows")

    def test_a_standby_is_waited_for_until_it_is_promoted(self):
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 1}')
        self.wait_for_drained(gateway)
        self.postgres.stop()
        (self.postgres.folder / "data" / "standby.signal").touch()
        self.postgres.start()
        self.put(gateway, "shed", '{"temp": 2}')
        harness.wait_until(lambda: "standby" in self.state_of(gateway)["sink_problem"], "it is told that it is one")
        self.assertEqual(self.live(), 'shed|{"temp": 1}')
        self.postgres.query("select pg_promote()")
        self.wait_for_drained(gateway)
        self.assertEqual(self.live(), 'shed|{"temp": 2}')

    # SNK-3
    def test_a_row_that_the_database_refuses_goes_to_the_dead_letters_and_holds_up_nothing(self):
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 1}')
        self.wait_for_drained(gateway)
        self.postgres.query("alter table grid_default.cell add check (key <> 'bad')")
        for number in range(20):
            self.put(gateway, "bad" if number == 7 else f"good-{number}", '{"temp": 1}')
        self.wait_for_drained(gateway)
        self.assertEqual(self.postgres.query("select count(*) from grid_default.live where key like 'good-%'"), "19")
        self.assertEqual(self.postgres.query("select key, sqlstate from grid_default.dead_letter"), "bad|23514")
        self.assertEqual(self.state_of(gateway)["dead_letters"], 1)

    def test_a_full_disk_makes_it_wait_and_costs_nothing(self):
        library = pathlib.Path(os.environ["GRID_BIN"]).parent / "tests" / "libgrid_sick_disk.so"
        if not library.exists():
            raise unittest.SkipTest(f"{library} is not built")
        self.postgres.stop()
        order = self.postgres.folder / "order"
        self.postgres.start(env={"LD_PRELOAD": str(library), "GRID_SICK_DISK": str(order),
                                 "ASAN_OPTIONS": "verify_asan_link_order=0"})
        gateway = self.gateway()
        self.put(gateway, "shed", '{"temp": 1}')
        self.wait_for_drained(gateway)
        order.write_text("full /data/base/\n")
        order.chmod(0o644)
        rows = self.file("rows.csv", "id,text\n" + "".join(f"{n},{'x' * 500}\n" for n in range(500)))
        self.gridctl("--store", self.path("a"), "--target", gateway.url, "import", "--key", "id", "climate", rows)
        state = harness.wait_until(lambda: (lambda one: one["sink"] == "full" and one)(self.state_of(gateway)), "full")
        self.assertIn("53100", state["sink_problem"])
        order.unlink()
        self.wait_for_drained(gateway)
        self.assertEqual(self.postgres.query("select count(*) from grid_default.live where map = 'climate'"), "501")


class Module(harness.GridTest):
    def refusal(self, *arguments, folder="bin"):
        done = subprocess.run([self.path(f"{folder}/gridd"), "--dev", "--listen", "127.0.0.1:0", "--data",
                               self.path("data"), *arguments], capture_output=True, text=True, check=False,
                              timeout=harness.DEADLINE_SECONDS)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_a_module_that_is_not_installed_is_asked_for(self):
        (self.folder / "bin").mkdir()
        (self.folder / "data/apps/default").mkdir(parents=True)
        shutil.copy(harness.program("gridd"), self.folder / "bin")
        self.assertIn("install gridd-postgres", self.refusal("--set", "apps.sink.type=postgres"))
        (self.folder / "bin/gridd-postgres.so").write_text("no module")
        self.assertIn("can't be loaded", self.refusal("--set", "apps.sink.type=postgres"))

    def test_search_is_refused_beside_postgres(self):
        (self.folder / "bin").symlink_to(pathlib.Path(harness.program("gridd")).parent)
        said = self.refusal("--check-config", "--set", "apps.sink.type=postgres", "--search", "notes:title")
        self.assertIn("search is a part of the SQLite database", said)


    def test_the_url_is_told_to_nobody(self):
        shown = subprocess.run([harness.program("gridd"), "--show-config", "--set",
                                "apps.sink.url=postgres://me:s3cret@nowhere/x"], capture_output=True, text=True,
                               check=True, timeout=harness.DEADLINE_SECONDS).stdout
        self.assertIn("apps.sink.url = \"(not told)\"", shown)
        self.assertNotIn("s3cret", shown)


class Outages(load.LoadTest, postgres.PostgresTest):
    def in_database(self):
        return set(self.postgres.query(LIVE).splitlines())

    def assert_database_holds(self, ledgers):
        keys = self.in_database()
        for name, count in ledgers.items():
            lost = [number for number in range(count) if f"{name}/{number}" not in keys]
            self.assertEqual(lost, [], f"{name}: {len(lost)} of {count} that were acknowledged are not in the database")

    def assert_all_is_there(self, gateway, loaders):
        """Nothing that was ever acknowledged is lost, and in the end the database has what the gateway has."""
        written = {name: self.stop_loader(loader) for name, loader in loaders.items()}
        self.assert_converged(gateway.url, "".join(loaders))
        self.assert_holds(gateway.url, written)
        self.wait_for_drained(gateway)
        self.assert_database_holds(written)
        self.assertEqual(self.postgres.query("select count(*) from grid_default.dead_letter"), "0")
        return written

    def strike(self, chance, gateway):
        """Takes something away for a while, and gives it back; the gateway that there is then."""
        kind = chance.choice(("kill postgres", "restart postgres", "kill gridd", "kill both", "end sessions"))
        if kind in ("kill postgres", "kill both"):
            self.postgres.kill()
        elif kind == "restart postgres":
            self.postgres.stop()
        elif kind == "end sessions":
            self.postgres.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name like "
                                "'gridd %'")
        if kind in ("kill gridd", "kill both"):
            gateway.stop(signal.SIGKILL)
        if self.postgres.child is None:
            self.postgres.start()
        if kind in ("kill gridd", "kill both"):
            gateway = self.gateway(listen=self.listen, through=self.through)
        return gateway

    def run_outages(self, through=()):
        chance = load.seeded()
        self.through = through
        gateway = self.gateway(through=through)
        self.listen = gateway.listen()
        loaders = {name: self.loader(name, gateway.url) for name in "ab"}
        for _ in range(ROUNDS):
            self.wait_for_durable(1 + chance.randrange(200), *loaders.values())
            ledgers = {name: load.durable(loader) for name, loader in loaders.items()}
            gateway = self.strike(chance, gateway)
            if through:
                self.assert_database_holds(ledgers)
        written = self.assert_all_is_there(gateway, loaders)
        print(f"{ROUNDS} outages, {written} written, none lost", flush=True)

    # ACK-1, SNK-1, SNK-2
    def test_no_op_acknowledged_durable_is_lost_by_outages_of_either(self):
        self.run_outages()

    # ACK-2
    def test_what_a_map_through_the_database_acknowledges_is_in_the_database(self):
        self.run_outages(through=("load",))

    # BND-1
    def test_a_map_through_the_database_waits_while_that_is_away(self):
        gateway = self.gateway(through=("load",))
        loader = self.loader("a", gateway.url)
        self.wait_for_durable(100, loader)
        self.postgres.stop()
        before = harness.wait_until(lambda: self.state_of(gateway)["sink"] == "busy" and load.durable(loader), "busy")
        state = harness.wait_until(lambda: (lambda one: one["queue_age_ms"] > 1_000 and one)(self.state_of(gateway)),
                                   "the queue grows old")
        self.assertEqual(load.durable(loader), before)
        self.assertGreater(state["queue_cells"], 0)
        self.postgres.start()
        self.wait_for_durable(1_000, loader)
        self.assert_all_is_there(gateway, {"a": loader})


if __name__ == "__main__":
    harness.main()
