import os
import re
import unittest

from license_session.claim_ids import next_claim_id


class ClaimIdsInOrder(unittest.TestCase):
    def test_the_claims_of_one_process_are_counted_across_its_sessions(self) -> None:
        ids = [next_claim_id() for _ in range(3)]
        parts = [re.fullmatch(r"([0-9a-f]{32})\.([0-9a-f]{16})\.(\d{1,9})", each) for each in ids]
        found = [part.groups() for part in parts if part]
        self.assertEqual(len(found), 3)
        self.assertTrue(all(len(each) <= 64 for each in ids))
        self.assertEqual(len({random for random, _, _ in found}), 3)
        self.assertEqual(len({process for _, process, _ in found}), 1)
        first = int(found[0][2])
        self.assertEqual([int(number) for _, _, number in found], [first, first + 1, first + 2])

    @unittest.skipUnless(hasattr(os, "fork"), "only where processes fork")
    def test_a_child_that_was_forked_is_a_process_of_its_own(self) -> None:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, next_claim_id().encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader) as pipe:
            of_child = pipe.read()
        self.assertNotEqual(of_child.split(".")[1], next_claim_id().split(".")[1])


if __name__ == "__main__":
    unittest.main()
