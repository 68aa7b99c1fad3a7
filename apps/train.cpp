#include "apps/training.h"
#include "train/distributed/group.h"

namespace sonograd {
namespace {

struct Flags {
  TrainingFlags training;
  FixedSteps fixed;
};

}  // namespace

void add_training_flags(const Command& command, TrainingFlags& t) {
  command.begin_group("Model");
  add_model_flags(command, t.model);
  command.add_flag("--fresh-head", t.model.fresh_head,
                   "of --weights the base alone; the head starts fresh, for whatever classes the data has");
  command.begin_group("Images and their parts");
  add_split_flags(command, t.split);
  command.begin_group("Run folder");
  command.add_option("--out", t.out, "folder for what the run leaves behind").capture_default_str();
  command
      .add_option("--checkpoint-steps", t.checkpoint_steps,
                  "also save the run's state every so many steps within an epoch")
      .check(not_negative());
  command.add_flag("--resume", t.resume, "go on from the checkpoint in --out");
  command.add_flag("--keep-checkpoint", t.keep_checkpoint,
                   "keep the checkpoint, moments and all, of the finished run");
  command.begin_group("Training");
  command
      .add_option("--phases", t.phases,
                  "scratch, transfer, finetune; default transfer,finetune with --weights, else scratch")
      .delimiter(',');
  command
      .add_option("--lr", t.rates,
                  "learning rate of each phase; default 1e-3 (scratch, transfer), 1e-5 (finetune)")
      .delimiter(',')
      .check(not_negative());
  command.add_option("--epochs", t.epochs, "epochs a phase at most").check(positive()).capture_default_str();
  command.add_option("--batch", t.batch, "images a step").check(positive()).capture_default_str();
  command.add_option("--patience", t.patience, "epochs without a lower val_loss before a phase stops")
      .check(positive())
      .capture_default_str();
  command.add_option("--class-weights", t.class_weights, "none, or balanced: n / (classes · n_class)")
      .check(one_of({"none", "balanced"}))
      .capture_default_str();
  command.add_option("--clip-norm", t.clip_norm, "largest norm of all gradients together; 0: none")
      .check(not_negative());
  command
      .add_option("--norm-momentum", t.norm_momentum,
                  "of batch norms' moving averages; default the layers' 0.99, which lags in short runs")
      .check(share());
  command.add_option("--accumulate", t.accumulate, "batches an update")
      .check(positive())
      .capture_default_str();
  command.add_option("--schedule", t.schedule, "constant or cosine")
      .check(one_of({"constant", "cosine"}))
      .capture_default_str();
  command.add_option("--optimizer", t.optimizer, "adam or sgd")
      .check(one_of({"adam", "sgd"}))
      .capture_default_str();
  command.add_option("--momentum", t.momentum, "of --optimizer sgd").check(share());
  command.add_flag("--random-base", t.random_base, "let transfer or finetune begin with a random base");
  command
      .add_option(
          "--augment", t.augment,
          "training images changed anew each epoch: jitter (mirrored, moved by up to an eighth), flip "
          "(Keras' RandomFlip, its coins as --keras says), both, or none")
      .delimiter(',')
      .check(one_of({"none", "jitter", "flip"}));
  command.add_flag("--no-dropout", t.no_dropout, "no dropout, no drop-connect");
  command
      .add_option(
          "--transfer", t.transfer,
          "how the phase transfer gets its frozen base's features: exact, at every step where the base "
          "has dropout or drop-connect, which stay active as in Keras; cached, once, without them. "
          "Default cached; with --protocol paper or --augment exact")
      .check(one_of({"exact", "cached"}));
  command.begin_group("Speed and memory");
  command.add_flag(
      "--recompute", t.recompute,
      "less memory for a third to a half more time: backward computes each block's inner values anew; the "
      "numbers are the same, but for rounding on several GPUs");
  command.add_flag(
      "--cuda-graph", t.cuda_graph,
      "on the gpu, launch each update as one recorded graph: less work for the host, one step's "
      "memory more; the numbers are the same. Not with --accumulate, --clip-norm, --dtype f16 or several "
      "processes");
  command
      .add_option(
          "--dtype", t.dtype,
          "of matrix products and convolutions (but depthwise ones) in training: f32, or bf16 or f16, "
          "whose inputs are rounded to bfloat16 or to IEEE half precision; weights, sums, everything "
          "else and testing stay f32. f16 scales the loss and skips updates that overflow")
      .check(one_of({"f32", "bf16", "f16"}))
      .capture_default_str();
  command.begin_group("Options");
}

void add_train(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command = program.add(
      "train", "Train a model on a folder of images; test it; write the evidence",
      "  sonograd train --data busi --out run --model aeganb3 --weights efficientnetb3.weights.h5\n"
      "  sonograd train --data busi --out run --model aeganb3 --phases scratch --image-size 96\n"
      "  sonograd train --data busi --out run --model aeganb3 --resume\n"
      "  sonograd train --data busi --out run --model aeganb3 --arm augmented --protocol paper\n"
      "  mpirun -np 4 sonograd train --data busi --out run --model aeganb3 --batch 64 --sync-batch-norm\n"
      "  sonograd train --data busi --out run --model mini --steps 10 --no-shuffle --no-dropout --log-steps "
      "loss.csv",
      [flags, &program] {
        const bool fixed = flags->fixed.steps > 0;
        if (flags->training.sync_batch_norm && program.group == &one_process())
          throw UsageError(
              "--sync-batch-norm is of several processes, and this is one; start them by mpirun, or leave it "
              "out");
        if (!fixed && (flags->fixed.no_shuffle || !flags->fixed.log.empty()))
          throw UsageError("--no-shuffle and --log-steps belong to --steps N");
        phase_plan(flags->training);  // bad flags leave no folder behind
        if (fixed) return run_fixed_steps(flags->training, flags->fixed, program);
        const RunFolder run = program.group->leads()
                                  ? RunFolder::check(flags->training.out, flags->training.resume)
                                  : RunFolder::at(flags->training.out);
        warn_of_new_run(flags->training.resume, run);
        return run_training(flags->training, run, program);
      });
  command.begin_group("Images and their parts");
  command.add_option("--data", flags->training.data, "folder with a sub-folder a class").required();
  add_training_flags(command, flags->training);
  command.get_option("--out").required();
  command.begin_group("Several processes");
  command.add_flag("--sync-batch-norm", flags->training.sync_batch_norm,
                   "of several processes (mpirun): batch norms use the images of all, as one process would");
  command.begin_group("So many steps, to compare with another framework");
  command
      .add_option("--steps", flags->fixed.steps,
                  "exactly so many steps of one phase on all images in order, no split")
      .check(positive());
  for (const char* name :
       {"--arm", "--target", "--generated", "--folds", "--random-labels", "--transfer", "--order",
        "--class-weights", "--clip-norm", "--accumulate", "--augment", "--norm-momentum", "--schedule",
        "--patience", "--checkpoint-steps", "--resume", "--keep-checkpoint"})
    command.get_option("--steps").excludes(
        command.get_option(name));  // steps are plain: nothing is ignored without a word
  command.add_flag("--no-shuffle", flags->fixed.no_shuffle, "with --steps: class order, then byte order");
  command.add_option("--log-steps", flags->fixed.log, "with --steps: CSV of step,loss");
}

}  // namespace sonograd
