// A consumer for tests/interop/cluster: finds the nsqds of a topic through nsqlookupds, and prints each message. It runs
// until it is ended, 3 minutes at most.
//
//     java Discover JOB

import com.google.gson.Gson;
import com.sproutsocial.nsq.Subscriber;
import java.nio.charset.StandardCharsets;

public class Discover {
    static class Job {
        String[] Lookups;
        String Topic;
        String Channel;
    }

    public static void main(String[] args) throws Exception {
        Job job = new Gson().fromJson(args[0], Job.class);
        Subscriber subscriber = new Subscriber(1, job.Lookups); // asks again after 1 s
        subscriber.setDefaultMaxInFlight(10);
        subscriber.setMaxFlushDelayMillis(10);
        subscriber.subscribe(job.Topic, job.Channel, (byte[] body) ->
            System.out.println("got " + new String(body, StandardCharsets.UTF_8)));
        Thread.sleep(180_000);
        System.exit(1);
    }
}
