import os
import unittest

from license_session.claim_names import next_claim_name


class ClaimNames(unittest.TestCase):
    def test_the_openings_of_one_run_are_counted(self) -> None:
        names = [next_claim_name() for _ in range(3)]
        self.assertEqual(len({name.run_id for name in names}), 1)
        self.assertRegex(names[0].run_id, r"^[\x20-\x7e]{16,64}$")
        first = names[0].claim_number
        self.assertGreaterEqual(first, 1)
        self.assertEqual([name.claim_number for name in names], [first, first + 1, first + 2])

    @unittest.skipUnless(hasattr(os, "fork"), "only where processes fork")
    def test_a_child_that_was_forked_is_a_run_of_its_own(self) -> None:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, next_claim_name().run_id.encode())
            os._exit(0)
        os.close(writer)
        os.waitpid(child, 0)
        with os.fdopen(reader) as pipe:
            of_child = pipe.read()
        self.assertNotEqual(of_child, next_claim_name().run_id)


if __name__ == "__main__":
    unittest.main()
