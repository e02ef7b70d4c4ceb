cd /work/wt/sim
nice npm exec -c 'node --disable-warning=ExperimentalWarning find.ts 60 token-of-the-repeat wrong-clock key-used-twice client-paused-machine client-trusts-any-200 kept-without-a-name released-without-a-name rekey-frees-at-once' > /tmp/find3.txt 2>&1
