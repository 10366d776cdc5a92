// The nsq-j client: runs one scenario of ../../README.md against one nsqd.
//
//     java Client.java SCENARIO HOST:PORT

import com.sproutsocial.nsq.Config;
import com.sproutsocial.nsq.DirectSubscriber;
import com.sproutsocial.nsq.Message;
import com.sproutsocial.nsq.MessageHandler;
import com.sproutsocial.nsq.Publisher;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public class Client {
    static final String TOPIC = "topic";
    static String address;

    static void settle() throws Exception {
        Thread.sleep(400);
    }

    static Publisher producer(String... bodies) {
        Publisher made = new Publisher(address);
        for (String body : bodies) {
            made.publish(TOPIC, body.getBytes());
        }
        return made;
    }

    // A consumer passes its messages to the queue; the scenario answers them.
    static class Consumer {
        final LinkedBlockingQueue<Message> messages = new LinkedBlockingQueue<>();
        final DirectSubscriber inner = new DirectSubscriber(1, address); // connects again after 1 s

        Consumer(String channel, Integer timeoutMs) {
            Config config = new Config();
            config.setMsgTimeout(timeoutMs);
            inner.setConfig(config);
            inner.setMaxFlushDelayMillis(10);
            MessageHandler handler = messages::add;
            inner.subscribe(TOPIC, channel, 1, handler);
        }

        Message take(String body, int attempts) throws Exception {
            Message m = messages.take();
            if (!new String(m.getData()).equals(body) || m.getAttempts() != attempts) {
                throw new Exception("got " + new String(m.getData()) + ", attempt " + m.getAttempts());
            }
            return m;
        }

        void close() throws Exception {
            settle();
            inner.stop();
        }
    }

    static void close(Publisher p) throws Exception {
        settle();
        p.stop();
        settle();
    }

    static void run(String scenario) throws Exception {
        Publisher p;
        Consumer c;
        Message m;
        switch (scenario) {
            case "publish":
                p = producer("one");
                p.publish(TOPIC, List.of("two".getBytes(), "three".getBytes()));
                p.publishDeferred(TOPIC, "later".getBytes(), 100, TimeUnit.MILLISECONDS);
                close(p);
                break;
            case "consume":
                p = producer("one", "two", "three");
                c = new Consumer("channel", null);
                for (String body : List.of("one", "two", "three")) {
                    c.take(body, 1).finish();
                }
                c.close();
                close(p);
                break;
            case "requeue":
                p = producer("again");
                c = new Consumer("channel", null);
                c.take("again", 1).requeue(0);
                c.take("again", 2).requeue(300);
                c.take("again", 3).finish();
                c.close();
                close(p);
                break;
            case "touch":
                p = producer("slow");
                c = new Consumer("channel", 1000);
                m = c.take("slow", 1);
                for (int i = 0; i < 2; i++) {
                    Thread.sleep(700);
                    m.touch();
                }
                Thread.sleep(700);
                m.finish();
                c.close();
                close(p);
                break;
            case "timeout":
                p = producer("forgotten");
                c = new Consumer("channel", 1000);
                c.take("forgotten", 1);
                c.take("forgotten", 2).finish();
                c.close();
                close(p);
                break;
            case "channels":
                Consumer left = new Consumer("left", null);
                settle();
                Consumer right = new Consumer("right", null);
                settle();
                p = producer("one", "two");
                for (String body : List.of("one", "two")) {
                    left.take(body, 1).finish();
                    right.take(body, 1).finish();
                }
                left.close();
                right.close();
                close(p);
                break;
            case "close":
                p = producer("held", "left");
                c = new Consumer("channel", null);
                m = c.take("held", 1);
                Consumer stopping = c;
                new Thread(stopping.inner::stop).start();
                settle();
                m.finish();
                settle();
                close(p);
                break;
            case "reconnect":
                p = producer("lost"); // after the last producer is closed, nsq-j cannot open another
                c = new Consumer("channel", 1000); // nsqd delivers what was in flight again when it has timed out
                c.take("lost", 1);
                System.out.println("cut");
                c.take("lost", 2).finish();
                c.close();
                close(p);
                break;
            default:
                throw new Exception("no such scenario");
        }
    }

    public static void main(String[] args) throws Exception {
        address = args[1];
        run(args[0]);
        System.exit(0); // without waiting for the library
    }
}
